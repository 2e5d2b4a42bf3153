"""Frames on their way from the reading thread to the call."""

from __future__ import annotations

from threading import Thread

import numpy as np

from service.capture.camera import LatestFrame
from tests.capture.cameras import frame

SOON, LONG = 0.01, 10.0


def test_of_a_live_device_only_the_freshest_frame_is_kept() -> None:
    latest = LatestFrame()
    for index in range(3):
        latest.put(frame(index), keep_all=False)
    assert np.array_equal(latest.take(SOON), frame(2))  # type: ignore[arg-type]
    assert latest.take(SOON) is None


def test_of_a_file_every_frame_is_kept_until_it_is_taken() -> None:
    latest = LatestFrame()
    Thread(
        target=lambda: [latest.put(frame(i), keep_all=True) for i in range(5)], daemon=True
    ).start()
    taken = [latest.take(LONG) for _ in range(5)]
    assert all(np.array_equal(image, frame(i)) for i, image in enumerate(taken))  # type: ignore[arg-type]


def test_the_last_frame_is_taken_even_after_the_end() -> None:
    latest = LatestFrame()
    latest.put(frame(1), keep_all=True)
    latest.end()
    assert latest.take(LONG) is not None
    assert latest.take(LONG) is None


def test_a_reader_that_waits_to_be_rid_of_a_frame_is_freed_by_closing() -> None:
    latest = LatestFrame()
    latest.put(frame(1), keep_all=True)
    latest.close()
    assert not latest.put(frame(2), keep_all=True)
