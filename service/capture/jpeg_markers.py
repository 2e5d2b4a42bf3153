"""JPEG: size, scans and segments, from its markers (ITU T.81, B.1.1), nothing decoded.

The walk goes where libjpeg goes: bytes between segments are passed over, RST and TEM have no length, and a
scan ends with the next other marker.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image as Pillow
from PIL import ImageChops
from PIL.JpegImagePlugin import JpegImageFile

from service.capture.picture import OpenCvPicture, cv2, decoded
from service.domain.face import Image

SIGNATURE = b"\xff\xd8\xff"

MAX_SCANS = 20
"""libjpeg's own progressions have 10 scans, and 18 with four color components."""

SCANS_OF_LARGEST = 10
"""Scans from which a picture costs more than its pixels: each goes through all of them once more, however few
bytes it has."""

MAX_SEGMENTS = 512
"""A phone's picture has some dozens; one with a depth map inside about 170."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_KNOWN = frozenset(range(0xC0, 0xF0)) - {0xC8, 0xDE, 0xDF, _SOI} | {_TEM, 0xFE}
"""What libjpeg goes on behind. At any other it stops, or, in search of a lost restart marker, looks on right
behind it: scans could be hidden from a walk that took it for a segment and passed over its content."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xCC}
"""Starts of a frame: of these codes, DHT and DAC are none."""

_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended, progressive: what cameras write. The others are lossless, arithmetic, hierarchical."""

_END = b"\xff\xd9"
_NOISE = bytes(range(1, 255)) * 16
"""Data that go on with no picture: what they change was missing."""


class _Refused(Exception):
    """Damaged, of a kind that no camera writes, or too long to decode."""


def read_jpeg(encoded: bytes) -> OpenCvPicture | None:
    """None for what is refused."""
    try:
        return _read(encoded)
    except _Refused:
        return None


def _read(encoded: bytes) -> OpenCvPicture:
    size: tuple[int, int] | None = None
    scans = 0
    for marker, content in _segments(encoded):
        if marker in _FRAMES:
            size = _size(marker, content, size)
        elif marker == _SOS:
            scans += 1
        elif marker == _EOI and size and scans:
            cost = max(1.0, scans / SCANS_OF_LARGEST)
            return OpenCvPicture(*size, lambda: encoded, is_reducible=True, cost=cost)
        if marker == _EOI or scans > MAX_SCANS or (scans and size is None):
            raise _Refused
    if size is None or not scans:
        raise _Refused
    cost = 2.0 * max(1.0, scans / SCANS_OF_LARGEST)
    return CutOffJpeg(*size, lambda: encoded.rstrip(b"\xff"), cost=cost)


def _segments(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each, the last of them EOI where the file has its end."""
    position = len(SIGNATURE) - 1
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(encoded, position)
        if found is None:
            return
        marker, position = encoded[found.end() - 1], found.end()
        if marker not in _KNOWN:
            raise _Refused
        length = 0 if marker in (_EOI, _TEM) else int.from_bytes(encoded[position : position + 2])
        yield marker, encoded[position + 2 : position + length]
        if marker == _EOI:
            return
        position += length
    raise _Refused


def _size(marker: int, content: bytes, before: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height (B.2.2); libjpeg takes one frame, of 8 bits a sample."""
    if marker not in _HUFFMAN or before is not None or len(content) < 6 or content[0] != 8:
        raise _Refused
    height, width = int.from_bytes(content[1:3]), int.from_bytes(content[3:5])
    if not width or not height:
        raise _Refused
    return width, height


@dataclass(frozen=True, slots=True)
class CutOffJpeg(OpenCvPicture):
    """A JPEG without its end. Webcams write such files, whole but for that, and viewers show them.

    libjpeg fills in what is missing and tells nobody: so it is decoded with two different continuations, and
    only what neither of them changes is there. By Pillow, since OpenCV prints libjpeg's warnings.
    """

    def decode(self, denominator: int = 1) -> Image | None:  # noqa: ARG002 - never reduced
        data = self.data()
        try:
            ended, went_on = (_by_pillow(data + more + _END) for more in (b"", _NOISE))
            is_whole = ImageChops.difference(ended, went_on).getbbox() is None
        except Exception:  # hostile bytes: Pillow's parsers raise whatever they stumble over
            return None
        return decoded(data + _END, cv2.IMREAD_COLOR) if is_whole else None


def _by_pillow(data: bytes) -> Pillow.Image:
    opened = JpegImageFile(io.BytesIO(data))
    opened.load()
    return opened
