"""HEIC and AVIF, as phones write them, where the extra `heif` is installed."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.AvifImagePlugin import AvifImageFile

from service.capture.opencv import cv2
from service.capture.picture import Picture
from service.domain.face import Image

EXTRA = "heif"

_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis"})
_AVIF = frozenset({b"avif"})
_EITHER = frozenset({b"mif1", b"miaf"})
"""Brands of ISO/IEC 23008-12 and AVIF 1.1. Sequences have others, and are refused."""

_MAX_BRANDS = 32

Kind = Literal["heic", "avif"]


def heif_kind(encoded: bytes) -> Kind | None:
    """By the brands of its first box; None for anything else."""
    if encoded[4:8] != b"ftyp":
        return None
    major, others = encoded[8:12], _compatible_brands(encoded)
    if major in _AVIF or (major in _EITHER and others & _AVIF):
        return "avif"
    return "heic" if major in _HEIC | _EITHER else None


def _compatible_brands(encoded: bytes) -> frozenset[bytes]:
    end = min(int.from_bytes(encoded[:4]), 16 + 4 * _MAX_BRANDS, len(encoded))
    return frozenset(encoded[at : at + 4] for at in range(16, end, 4))


def can_read_heif() -> bool:
    return find_spec("pillow_heif") is not None


def read_heif(encoded: bytes, kind: Kind) -> Picture | None:
    """None for what is damaged, or has several frames. libheif and libavif bound boxes and items."""
    try:
        opened = AvifImageFile(io.BytesIO(encoded)) if kind == "avif" else _heic(encoded)
    except Exception:  # hostile bytes: the parsers raise whatever they stumble over
        return None
    if kind == "avif" and getattr(opened, "n_frames", 1) > 1:
        return None
    return PillowPicture(opened.width, opened.height, opened)


def _heic(encoded: bytes) -> Pillow.Image:
    """Its primary picture."""
    import pillow_heif

    options = pillow_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    opened: Pillow.Image = pillow_heif.HeifImageFile(io.BytesIO(encoded))  # type: ignore[no-untyped-call]
    return opened


@dataclass(frozen=True, slots=True)
class PillowPicture:
    """Implements `Picture`, for what only Pillow opens."""

    width: int
    height: int
    opened: Pillow.Image = field(repr=False)
    is_reducible: bool = False

    @property
    def cost_pixels(self) -> float:
        return self.width * self.height

    def decode(self, denominator: int = 1) -> Image | None:  # noqa: ARG002 - it has only one size
        try:
            return _upright_pixels(self.opened)
        except Exception:
            return None


def _upright_pixels(opened: Pillow.Image) -> Image:
    """Transparency over white."""
    ImageOps.exif_transpose(opened, in_place=True)
    if opened.has_transparency_data:
        white = Pillow.new("RGBA", opened.size, "white")
        opened = Pillow.alpha_composite(white, opened.convert("RGBA"))
    if opened.mode != "RGB":  # else another copy
        opened = opened.convert("RGB")
    return np.asarray(cv2.cvtColor(np.asarray(opened), cv2.COLOR_RGB2BGR))
