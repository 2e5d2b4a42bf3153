"""WebP: size, alpha and animation, from its chunks (RFC 9649), nothing decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.capture.picture import OpenCvPicture

MAX_CHUNKS = 64
"""A still picture has seven kinds, once each; unknown ones are passed over."""

_EXTENDED, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_ALPHA, _EXIF, _ANIMATION = b"ALPH", b"EXIF", (b"ANIM", b"ANMF")
_ALPHA_FLAG, _ANIMATION_FLAG = 0x10, 0x02


class _Refused(Exception):
    """Damaged, animated, or in too many pieces."""


def is_webp(encoded: bytes) -> bool:
    return encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP"


def read_webp(encoded: bytes) -> OpenCvPicture | None:
    """None for what is refused."""
    try:
        return _picture(encoded, dict(reversed(list(_chunks(encoded)))))
    except _Refused:
        return None


def _picture(encoded: bytes, chunks: Mapping[bytes, bytes]) -> OpenCvPicture:
    """The larger one of canvas and frame: a decoder that takes them for different refuses."""
    flags = _little(chunks.get(_EXTENDED, b"")[:1])
    if flags & _ANIMATION_FLAG or any(kind in chunks for kind in _ANIMATION):
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
        exif=chunks.get(_EXIF, b"").removeprefix(b"Exif\0\0"),
    )


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents, padding left out (2.3)."""
    start, end = 12, 8 + _little(encoded[4:8])
    if end > len(encoded):
        raise _Refused
    for _ in range(MAX_CHUNKS):
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
