"""Which frames of a video to look at: neighbours are nearly identical."""

from __future__ import annotations

from collections.abc import Iterator

from service.capture.devices import frames_in_order, next_frame
from service.capture.opencv import cv2
from service.domain.face import Image

_PASSES = 3
"""Sweeps over a video; each third of a gap is looked at in the next, so nine times as many in all."""


def spread_frames(capture: cv2.VideoCapture, wanted: int) -> Iterator[Image]:
    """`wanted` frames evenly spread; then, for whoever found too few faces, those in between.

    A file that does not tell its length is read in order.
    """
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return _frames_at(capture, positions(count, wanted)) if count > 0 else frames_in_order(capture)


def positions(count: int, wanted: int) -> Iterator[int]:
    """Indices below `count`, none twice: the middles of `wanted` equal parts, in order, then those
    of three times as many parts, whose middle ones are the first again, and so on.

    >>> list(positions(count=18, wanted=2))
    [4, 13, 1, 7, 10, 16, 0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17]
    """
    seen: set[int] = set()
    for sweep in range(_PASSES):
        parts = wanted * 3**sweep
        for index in (count * (2 * part + 1) // (2 * parts) for part in range(parts)):
            if index not in seen:
                seen.add(index)
                yield index


def _frames_at(capture: cv2.VideoCapture, indices: Iterator[int]) -> Iterator[Image]:
    # Containers overstate their length: a position without a frame is passed over.
    for index in indices:
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        frame = next_frame(capture)
        if frame is not None:
            yield frame
