"""A frame that was seen before is known by its keyed perceptual hash, however it is encoded.

Measured on frames of 640 x 480 pixels made of photographs, the face 100 to 270 pixels wide, each with noise and JPEG 90 of its
own; under three keys. The limit was chosen on people/ (37 frames) and looked at on orl/ (16):

| the same frame again | people/ | orl/ |
| --- | --- | --- |
| JPEG 95 to 50, half to twice the size, brighter, darker, mirrored: found | 1991 of 1995 | 835 of 840 |
| cropped by 1 % of either side: found | 0 of 108 | 0 of 39 |

| another frame of the person before the same background | people/ | orl/ |
| --- | --- | --- |
| the head moved by 0.5 pixels: taken for the same | 292 of 333 | 123 of 144 |
| by 1 pixel | 65 of 333 | 15 of 138 |
| by 2 pixels; least bits | 0 of 333; 18 | 0 of 135; 26 |
| another photograph, the face at the same place; least bits | 0 of 873; 73 | 0 of 315; 72 |

The 333 are 111 frames and the 873 are 291, under three keys: at 95 %, at most 3.3 % and 1.3 % of such frames. So neighbors in a film of somebody who
stands still are one frame to it, and are not to be compared. Frames of two steps or of two sessions are pixels apart.
"""

from __future__ import annotations

from datetime import timedelta

FEATURES = 256
"""Signed bytes that tell what a frame shows around its face: `service/engine/frame_features.py`."""

HASH_BITS = 256
HASH_BYTES = HASH_BITS // 8

SAME_FRAME_BITS = 16
"""Bits in which two hashes of one frame differ at most: those of strangers differ in 93 and more."""

FRAMES_KEPT = timedelta(days=1)
"""How long the hash of a frame is kept that a liveness session looked at."""


def mirrored(features: bytes) -> bytes:
    """Those of the mirror image: waves that rise to the right change places with those that rise to the left."""
    part = FEATURES // 4
    parts = [features[start : start + part] for start in range(0, FEATURES, part)]
    return parts[1] + parts[0] + parts[3] + parts[2]


def upright_and_mirrored(frame_hash: bytes) -> tuple[bytes, bytes]:
    return frame_hash[:HASH_BYTES], frame_hash[HASH_BYTES:]


def is_same_frame(one: bytes, other: bytes) -> bool:
    """Whether two hashes under one key (64 bytes each) are of one frame or of a frame and its mirror image."""
    upright, _ = upright_and_mirrored(one)
    return any(
        _different_bits(upright, each) <= SAME_FRAME_BITS for each in upright_and_mirrored(other)
    )


def _different_bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
