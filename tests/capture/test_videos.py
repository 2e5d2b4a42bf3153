"""Which frames of a video file are looked at."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from service.capture.images import Timeouts
from service.capture.sources import positions, video_frames
from service.domain.errors import CameraUnavailable
from tests.capture.cameras import number_of, record
from tests.capture.pictures import MEGAPIXEL

TIMEOUTS = Timeouts(frame=5.0, watch=0.0)


def _numbers(path: Path | str, wanted: int) -> list[int]:
    with video_frames(str(path), wanted, 40 * MEGAPIXEL, TIMEOUTS) as frames:
        return [number_of(frame) for frame in frames]


def test_the_first_frames_are_spread_over_the_whole_video(tmp_path: Path) -> None:
    assert _numbers(record(tmp_path / "v.avi", 30), wanted=3)[:3] == [5, 15, 25]


def test_then_come_the_frames_in_between_and_none_twice(tmp_path: Path) -> None:
    assert sorted(_numbers(record(tmp_path / "v.avi", 18), wanted=2)) == list(range(18))


def test_a_video_shorter_than_wanted_gives_all_its_frames(tmp_path: Path) -> None:
    assert sorted(_numbers(record(tmp_path / "v.avi", 3), wanted=10)) == [0, 1, 2]


def test_of_a_long_video_few_frames_are_looked_at() -> None:
    assert len(list(positions(count=1_000_000, wanted=5))) == 45


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_positions_lie_within_the_video(count: int) -> None:
    assert all(0 <= index < count for index in positions(count, wanted=5))


def test_the_first_sweep_is_in_order() -> None:
    first = list(islice(positions(1000, 5), 5))
    assert first == sorted(first)


@pytest.mark.parametrize(
    "content", [b"", b"text\n" * 100, "텍스트\n".encode("utf-16"), b"\0" * 999]
)
@pytest.mark.parametrize("name", ["v.avi", "v.mp4", "v.txt", "v.nfo"])
def test_what_is_no_video_is_unavailable(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CameraUnavailable):
        _numbers(tmp_path / name, wanted=3)


@pytest.mark.parametrize("name", ["", "missing.avi", "0", "nul\0", "x" * 5000, "."])
def test_a_missing_file_is_unavailable(tmp_path: Path, name: str) -> None:
    with pytest.raises(CameraUnavailable):
        _numbers(f"{tmp_path}/{name}", wanted=3)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/", "rtsp://127.0.0.1/", "/dev/video0", "0"]
)
def test_only_files_are_videos(address: str) -> None:
    with pytest.raises(CameraUnavailable):
        _numbers(address, wanted=3)


@pytest.mark.skipif(os.name == "nt", reason="FIFOs of POSIX")
def test_a_fifo_is_unavailable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "v.avi")
    with pytest.raises(CameraUnavailable):
        _numbers(tmp_path / "v.avi", wanted=3)


def test_a_damaged_video_gives_the_frames_it_has(tmp_path: Path) -> None:
    video = record(tmp_path / "v.avi", 30)
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert _numbers(video, wanted=5)
