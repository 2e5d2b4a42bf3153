"""PNG: size and what is worth decoding, from its chunks (W3C PNG, 5.3), nothing decoded.

A decoder is given the chunks that make the picture and no others: libpng inflates texts and profiles of a
few kilobytes to 8 MB each, up to a thousand of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from service.capture.picture import OpenCvPicture

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 16_384
"""libpng cuts the pixels of the largest upload into 1,280 chunks."""

MAX_EXIF_BYTES = 64 * 1024
"""What a JPEG has room for."""

_HEAD, _PIXELS, _END = b"IHDR", b"IDAT", b"IEND"
_TRANSPARENCY, _EXIF, _ANIMATION = b"tRNS", b"eXIf", b"acTL"
_KEPT = frozenset({_HEAD, b"PLTE", _TRANSPARENCY, _EXIF, _PIXELS, _END})
_WITH_ALPHA = (4, 6)
"""Color types."""


class _Refused(Exception):
    """Damaged, animated, or in too many pieces."""


class _Chunk(NamedTuple):
    """`start`: of its length; `end`: behind its checksum."""

    kind: bytes
    start: int
    end: int


def read_png(encoded: bytes) -> OpenCvPicture | None:
    """None for what is refused."""
    try:
        return _picture(encoded, [chunk for chunk in _chunks(encoded) if _is_kept(chunk)])
    except _Refused:
        return None


def _picture(encoded: bytes, kept: list[_Chunk]) -> OpenCvPicture:
    by_kind = {
        chunk.kind: encoded[chunk.start + 8 : chunk.end - 4]
        for chunk in reversed(kept)
        if chunk.kind != _PIXELS
    }
    head = by_kind.get(_HEAD, b"")
    if kept[0].kind != _HEAD or len(head) != 13:
        raise _Refused
    has_alpha = head[9] in _WITH_ALPHA or _TRANSPARENCY in by_kind
    return OpenCvPicture(
        int.from_bytes(head[:4]),
        int.from_bytes(head[4:8]),
        lambda: SIGNATURE + b"".join(encoded[chunk.start : chunk.end] for chunk in kept),
        has_alpha=has_alpha,
        exif=by_kind.get(_EXIF, b""),
        cost=2.0 if has_alpha and head[8] > 8 else 1.0,  # OpenCV keeps all 16 bits of these
    )


def _chunks(encoded: bytes) -> Iterator[_Chunk]:
    """All of them, IEND included."""
    start, content = len(SIGNATURE), memoryview(encoded)
    for _ in range(MAX_CHUNKS):
        kind = encoded[start + 4 : start + 8]
        end = start + 12 + int.from_bytes(encoded[start : start + 4])
        if end > len(encoded) or kind == _ANIMATION:
            raise _Refused
        if zlib.crc32(content[start + 4 : end - 4]) != int.from_bytes(encoded[end - 4 : end]):
            raise _Refused  # libpng would say so on stderr
        yield _Chunk(kind, start, end)
        if kind == _END:
            return
        start = end
    raise _Refused


def _is_kept(chunk: _Chunk) -> bool:
    too_long = chunk.kind == _EXIF and chunk.end - chunk.start > MAX_EXIF_BYTES
    return chunk.kind in _KEPT and not too_long
