"""PNG and WebP: size and what is worth decoding, from their chunks, nothing decoded.

W3C PNG, 5.3, and RFC 9649.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from service.capture.picture import OpenCvPicture

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_PNG_CHUNKS = 16_384
"""libpng cuts the pixels of the largest upload into 1,280 chunks."""

MAX_EXIF_BYTES = 64 * 1024
"""What a JPEG has room for."""

_HEAD, _PIXELS, _END = b"IHDR", b"IDAT", b"IEND"
_TRANSPARENCY, _PNG_EXIF, _PNG_ANIMATION = b"tRNS", b"eXIf", b"acTL"
_KEPT = frozenset({_HEAD, b"PLTE", _TRANSPARENCY, _PNG_EXIF, _PIXELS, _END})
_WITH_ALPHA = (4, 6)
"""Color types."""


class _Refused(Exception):
    """Damaged, animated, or in too many pieces."""


class _PngChunk(NamedTuple):
    """`start`: of its length; `end`: behind its checksum."""

    kind: bytes
    start: int
    end: int


def read_png(encoded: bytes) -> OpenCvPicture | None:
    """None for what is refused."""
    try:
        return _png_picture(encoded, [chunk for chunk in _png_chunks(encoded) if _is_kept(chunk)])
    except _Refused:
        return None


def _png_picture(encoded: bytes, kept: list[_PngChunk]) -> OpenCvPicture:
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
        lambda: PNG_SIGNATURE + b"".join(encoded[chunk.start : chunk.end] for chunk in kept),
        has_alpha=has_alpha,
        exif=by_kind.get(_PNG_EXIF, b""),
        cost=2.0 if has_alpha and head[8] > 8 else 1.0,  # OpenCV keeps all 16 bits of these
    )


def _png_chunks(encoded: bytes) -> Iterator[_PngChunk]:
    """All of them, IEND included."""
    start, content = len(PNG_SIGNATURE), memoryview(encoded)
    for _ in range(MAX_PNG_CHUNKS):
        kind = encoded[start + 4 : start + 8]
        end = start + 12 + int.from_bytes(encoded[start : start + 4])
        if end > len(encoded) or kind == _PNG_ANIMATION:
            raise _Refused
        if zlib.crc32(content[start + 4 : end - 4]) != int.from_bytes(encoded[end - 4 : end]):
            raise _Refused  # libpng would say so on stderr
        yield _PngChunk(kind, start, end)
        if kind == _END:
            return
        start = end
    raise _Refused


def _is_kept(chunk: _PngChunk) -> bool:
    too_long = chunk.kind == _PNG_EXIF and chunk.end - chunk.start > MAX_EXIF_BYTES
    return chunk.kind in _KEPT and not too_long


MAX_WEBP_CHUNKS = 64
"""A still picture has seven kinds, once each; unknown ones are passed over."""

_EXTENDED, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_ALPHA, _WEBP_EXIF, _WEBP_ANIMATION = b"ALPH", b"EXIF", (b"ANIM", b"ANMF")
_ALPHA_FLAG, _ANIMATION_FLAG = 0x10, 0x02


def is_webp(encoded: bytes) -> bool:
    return encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP"


def read_webp(encoded: bytes) -> OpenCvPicture | None:
    """None for what is refused."""
    try:
        return _webp_picture(encoded, dict(reversed(list(_webp_chunks(encoded)))))
    except _Refused:
        return None


def _webp_picture(encoded: bytes, chunks: Mapping[bytes, bytes]) -> OpenCvPicture:
    """The larger one of canvas and frame: a decoder that takes them for different refuses."""
    flags = _little(chunks.get(_EXTENDED, b"")[:1])
    if flags & _ANIMATION_FLAG or any(kind in chunks for kind in _WEBP_ANIMATION):
        raise _Refused
    sizes = [of(chunks[kind]) for kind, of in _SIZES.items() if kind in chunks]
    if not sizes:
        raise _Refused
    bits = _little(chunks.get(_LOSSLESS, b"")[1:5])
    return OpenCvPicture(
        max(width for width, _ in sizes),
        max(height for _, height in sizes),
        lambda: encoded,
        has_alpha=bool(flags & _ALPHA_FLAG or bits >> 28 & 1 or _ALPHA in chunks),
        exif=chunks.get(_WEBP_EXIF, b"").removeprefix(b"Exif\0\0"),
    )


def _webp_chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents, padding left out (2.3)."""
    start, end = 12, 8 + _little(encoded[4:8])
    if end > len(encoded):
        raise _Refused
    for _ in range(MAX_WEBP_CHUNKS):
        if start + 8 > end:
            return
        size = _little(encoded[start + 4 : start + 8])
        if start + 8 + size > end:
            raise _Refused
        yield encoded[start : start + 4], encoded[start + 8 : start + 8 + size]
        start += 8 + size + size % 2
    raise _Refused


def _canvas(content: bytes) -> tuple[int, int]:
    """2.7: both less one, in 24 bits."""
    return _plus_one(content[4:7]), _plus_one(content[7:10])


def _lossy(content: bytes) -> tuple[int, int]:
    """RFC 6386, 9.1: behind tag and start code, in 14 bits."""
    return _little(content[6:8]) & 0x3FFF, _little(content[8:10]) & 0x3FFF


def _lossless(content: bytes) -> tuple[int, int]:
    """3.4: behind the signature, both less one, in 14 bits."""
    bits = _little(content[1:5])
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _little(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _plus_one(content: bytes) -> int:
    return _little(content) + 1


_SIZES = {_EXTENDED: _canvas, _LOSSY: _lossy, _LOSSLESS: _lossless}
