"""The adapter is what the use cases ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.capture.sources import OpenCvCapture
from service.domain.errors import DirectoryNotAllowed
from service.domain.face import CameraFrames, DirectoryImages, Uploads, VideoFrames
from service.domain.ports import Capture
from tests.capture.cameras import number_of, record
from tests.capture.pictures import LIMITS, encoded, picture

JPEG = encoded(picture(), "JPEG")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return record(tmp_path / "v.avi", 10)


@pytest.fixture
def capture(video: Path, tmp_path: Path) -> Capture:
    (tmp_path / "1.jpg").write_bytes(JPEG)
    return OpenCvCapture(str(video), LIMITS, (tmp_path,))


def test_uploads_become_photographs(capture: Capture) -> None:
    assert len(capture.stills(Uploads([JPEG, JPEG]))) == 2


def test_a_folder_below_the_roots_becomes_photographs(capture: Capture, tmp_path: Path) -> None:
    assert len(capture.stills(DirectoryImages(str(tmp_path), 5))) == 1


def test_a_folder_outside_the_roots_is_not_allowed(capture: Capture, tmp_path: Path) -> None:
    with pytest.raises(DirectoryNotAllowed):
        capture.stills(DirectoryImages(str(tmp_path.parent), 5))


def test_without_roots_any_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(JPEG)
    anywhere = OpenCvCapture(0, LIMITS, None)
    assert len(anywhere.stills(DirectoryImages(str(tmp_path), 5))) == 1


def test_the_camera_gives_frames(capture: Capture) -> None:
    with capture.frames(CameraFrames(5)) as frames:
        assert [number_of(frame) for frame in frames] == list(range(10))


def test_a_video_gives_frames_spread_over_it(capture: Capture, video: Path) -> None:
    with capture.frames(VideoFrames(str(video), 2)) as frames:
        assert [number_of(frame) for frame in frames][:2] == [2, 7]
