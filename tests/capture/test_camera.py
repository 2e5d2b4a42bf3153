"""What comes from a camera, and that it is let go of whatever happens."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from service.capture.images import Timeouts
from service.capture.sources import Camera
from service.domain.errors import CameraUnavailable
from service.domain.face import Reason
from tests.capture.cameras import HEIGHT, WIDTH, StreamServer, number_of, record
from tests.capture.pictures import MEGAPIXEL

HURRIED = Timeouts(frame=1.5, watch=3.0)
MOST = 10.0
"""Seconds after which nobody waits for a camera any more."""


def _camera(source: int | str | Path, timeouts: Timeouts = HURRIED) -> Camera:
    source = str(source) if isinstance(source, Path) else source
    return Camera(source, 40 * MEGAPIXEL, timeouts)


def _numbers(camera: Camera) -> list[int]:
    with camera.frames() as frames:
        return [number_of(frame) for frame in frames]


def _seen_until_unavailable(camera: Camera) -> list[int]:
    seen: list[int] = []
    with pytest.raises(CameraUnavailable):
        _see(camera, seen)
    return seen


def _see(camera: Camera, seen: list[int]) -> None:
    with camera.frames() as frames:
        seen.extend(map(number_of, frames))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return record(tmp_path / "camera.avi", 30)


def test_a_file_as_a_camera_gives_every_frame_in_order_and_ends(file: Path) -> None:
    assert _numbers(_camera(file)) == list(range(30))


def test_a_camera_can_be_used_again(file: Path) -> None:
    camera = _camera(file)
    assert _numbers(camera) == _numbers(camera)


def test_nobody_is_watched_longer_than_said(file: Path) -> None:
    assert _numbers(_camera(file, Timeouts(frame=5.0, watch=0.0))) == [0]


def test_a_frame_of_too_many_pixels_is_too_large(file: Path) -> None:
    with Camera(str(file), WIDTH * HEIGHT - 1, HURRIED).frames() as frames:
        assert next(iter(frames)).pixels() is Reason.TOO_LARGE


@pytest.mark.parametrize("index", [97, "97"])
def test_an_index_without_a_camera_is_unavailable(index: int | str) -> None:
    assert _seen_until_unavailable(_camera(index)) == []


@pytest.mark.parametrize(
    "source",
    ["", "missing.avi", "nul\0.avi", "x" * 5000, "/dev/null", "http://127.0.0.1:1/", "rtsp://"],
)
def test_what_cannot_be_opened_is_unavailable(source: str) -> None:
    assert _seen_until_unavailable(_camera(source)) == []


def test_refusing_a_camera_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    _seen_until_unavailable(_camera("rtsp://user:password@127.0.0.1:1/"))
    assert capfd.readouterr() == ("", "")


def test_a_stream_that_ends_midway_is_unavailable() -> None:
    with StreamServer(range(10), then_close=True) as server:
        assert _seen_until_unavailable(_camera(server.url)) != []


@pytest.mark.parametrize("sent", [None, [], range(10)], ids=["mute", "empty", "stalling"])
def test_a_stream_that_stalls_is_unavailable_in_time_and_let_go(sent: range | None) -> None:
    started = time.monotonic()
    with StreamServer(sent) as server:
        _seen_until_unavailable(_camera(server.url))
        # A frame's time, the farewell, and what a busy machine adds.
        assert time.monotonic() - started < 2 * HURRIED.frame + 1.5
        assert server.left.wait(HURRIED.frame)


def test_by_default_a_mute_camera_is_given_up_within_ten_seconds() -> None:
    started = time.monotonic()
    with StreamServer(None) as server:
        _seen_until_unavailable(_camera(server.url, Timeouts()))
        assert time.monotonic() - started < MOST
        assert server.left.wait(1.0)


def test_leaving_early_lets_go_of_the_device() -> None:
    with StreamServer(range(10)) as server:
        with _camera(server.url).frames() as frames:
            for _ in frames:
                break
        assert server.left.wait(2 * HURRIED.frame)


def test_a_failing_consumer_lets_go_of_the_device() -> None:
    with StreamServer(range(10)) as server:
        with pytest.raises(ZeroDivisionError), _camera(server.url).frames():
            raise ZeroDivisionError
        assert server.left.wait(2 * HURRIED.frame)


def test_one_call_at_a_time_has_the_camera(file: Path) -> None:
    camera = _camera(file, Timeouts(frame=0.2, watch=3.0))
    with camera.frames() as frames:
        next(iter(frames))
        assert _seen_until_unavailable(camera) == []


def test_a_call_gets_the_camera_once_the_other_leaves(file: Path) -> None:
    camera = _camera(file)
    with ExitStack() as first:
        first.enter_context(camera.frames())
        numbers: list[int] = []
        second = Thread(target=lambda: numbers.extend(_numbers(camera)))
        second.start()
        first.close()
        second.join(MOST)
    assert numbers == list(range(30))
