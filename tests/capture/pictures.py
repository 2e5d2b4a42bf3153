"""Small photographs in every encoding, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from service.capture.images import EncodedPhotograph, ImageLimits
from service.domain.face import Image, Reason

MEBIBYTE, MEGAPIXEL = 1024 * 1024, 1_000_000
LIMITS = ImageLimits(max_bytes=10 * MEBIBYTE, max_pixels=40 * MEGAPIXEL, max_images=20)


def picture(width: int = 90, height: int = 60) -> Pillow.Image:
    """Smooth colors, different in every corner, so that turning and swapping shows."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    channels = np.stack([255 * x, 255 * y, 255 * (1 - x) * y], axis=-1)
    return Pillow.fromarray(channels.astype(np.uint8))


def noise(width: int = 300, height: int = 200) -> Pillow.Image:
    """Incompressible, so that every part of the file counts."""
    random = np.random.default_rng(0)
    return Pillow.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Pillow.Image, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def animated(format_: str, **options: Any) -> bytes:
    first = picture()
    other = ImageOps.mirror(first)
    return encoded(first, format_, save_all=True, append_images=[other], **options)


def turned(orientation: int) -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x0112] = orientation  # EXIF 2.32, table 4: Orientation
    return exif


def as_pillow_sees(data: bytes) -> Image:
    """BGR, upright, transparency over white."""
    upright = ImageOps.exif_transpose(Pillow.open(io.BytesIO(data)))
    if upright.has_transparency_data:
        white = Pillow.new("RGBA", upright.size, "white")
        upright = Pillow.alpha_composite(white, upright.convert("RGBA"))
    return np.asarray(upright.convert("RGB"), np.uint8)[..., ::-1]


def pixels_of(data: bytes, limits: ImageLimits = LIMITS) -> Image | Reason:
    return EncodedPhotograph(data, limits).pixels()


def image_of(data: bytes) -> Image:
    pixels = pixels_of(data)
    assert isinstance(pixels, np.ndarray), pixels
    return pixels


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and has no pixels (W3C PNG, 11.2 Critical chunks)."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
