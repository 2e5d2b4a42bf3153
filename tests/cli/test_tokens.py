"""`face camera`, `directory` and `video`: one JSON list on stdout, or nothing and status 3."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.face import Face, Outcome, call

FRAMES = 6
GIVEN_UP = 10
"""Seconds after which whoever stands at a kiosk gives up."""


@pytest.fixture(scope="module")
def film(people: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of one person."""
    still = np.asarray(cv2.imread(str(people["amy"][0])))
    height, width = still.shape[:2]
    path = tmp_path_factory.mktemp("film") / "amy.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for _ in range(FRAMES):
        writer.write(still)
    writer.release()
    return path


def is_one_embedding(outcome: Outcome) -> bool:
    """One line on stdout, and in it 512 numbers of length 1."""
    numbers = json.loads(outcome.out)
    one_line = outcome.out.count("\n") == 1
    return one_line and len(numbers) == 512 and bool(np.isclose(np.linalg.norm(numbers), 1.0))


def test_directory_prints_one_embedding_and_nothing_else(
    face: Face, people: dict[str, list[Path]]
) -> None:
    outcome = face.in_own_process()(
        "directory", "--path", people["amy"][0].parent, "--max-images", 2
    )
    assert outcome.status == 0, outcome.err
    assert is_one_embedding(outcome)


def test_video_prints_one_embedding_and_nothing_else(face: Face, film: Path) -> None:
    outcome = face.in_own_process()("video", "--path", film, "--max-frames", 2)
    assert outcome.status == 0, outcome.err
    assert is_one_embedding(outcome)


def test_camera_may_be_a_video_file(face: Face, film: Path) -> None:
    outcome = face.but(camera_index=film)("camera", "--max-frames", 2)
    assert outcome.status == 0, outcome.err
    assert is_one_embedding(outcome)


def test_missing_camera_is_told_before_people_give_up(face: Face) -> None:
    begin = time.monotonic()
    outcome = face.but(camera_index="no-such-camera.mp4")("camera")
    assert (outcome.status, outcome.out) == (3, "")
    assert "카메라를 열 수 없습니다." in outcome.err
    assert time.monotonic() - begin < GIVEN_UP


def test_folder_without_a_face_prints_nothing_on_stdout(face: Face, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((240, 240, 3), 127, np.uint8))
    outcome = face("directory", "--path", tmp_path)
    assert (outcome.status, outcome.out) == (3, "")
    assert "no_usable_face" in outcome.err
    assert "얼굴을 찾지 못했습니다" in outcome.err


def test_file_that_is_no_video_cannot_be_done(face: Face, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("not a film")
    outcome = face("video", "--path", tmp_path / "film.mp4")
    assert (outcome.status, outcome.out) == (3, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("directory",),
        ("directory", "--path", "no-such-folder"),
        ("directory", "--path", ".", "--max-images", "0"),
        ("video", "--path", "no-such-film.mp4"),
        ("camera", "--max-frames", "0"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_status_2(arguments: tuple[str, ...]) -> None:
    outcome = call(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
