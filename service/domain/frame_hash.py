"""A frame that was seen before is known by its keyed perceptual hash."""

from __future__ import annotations

from datetime import timedelta

HASH_BITS = 256

SAME_FRAME_BITS = 32
"""Bits in which two hashes of one frame differ at most."""

FRAMES_KEPT = timedelta(days=1)
"""How long the hash of a frame is kept that a liveness session looked at."""


def is_same_frame(one: bytes, other: bytes) -> bool:
    """Whether two keyed hashes of one collection (32 bytes each) are of one frame, however encoded."""
    different = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return different.bit_count() <= SAME_FRAME_BITS
