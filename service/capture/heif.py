"""HEIC and AVIF, as phones write them, where the extra `heif` is installed.

Their headers are read here, bounded by libheif and libavif; they are decoded in a process of their own, which
can be ended, since a header bounds neither the frames that follow it nor their size.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL.AvifImagePlugin import AvifImageFile

from service.capture import heif_decoder
from service.capture.picture import Picture, cv2
from service.domain.face import Image

EXTRA = "heif"

DECODER_SECONDS = 6
"""Of a core: three times what 40 MP take."""

DECODER_BYTES = 1024 * 1024 * 1024
"""Of address space, programs included: 40 MP take less than 700 MiB of it."""

DECODER_WAIT = 60.0
"""Seconds on a busy machine, and where a program's processor time cannot be limited."""

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
    """None for what is damaged, or has several frames."""
    try:
        opened = AvifImageFile(io.BytesIO(encoded)) if kind == "avif" else _heic(encoded)
    except Exception:  # hostile bytes: the parsers raise whatever they stumble over
        return None
    if kind == "avif" and getattr(opened, "n_frames", 1) > 1:
        return None
    return HeifPicture(opened.width, opened.height, encoded, kind)


def _heic(encoded: bytes) -> Pillow.Image:
    """Its primary picture."""
    import pillow_heif

    options = pillow_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    opened: Pillow.Image = pillow_heif.HeifImageFile(io.BytesIO(encoded))  # type: ignore[no-untyped-call]
    return opened


@dataclass(frozen=True, slots=True)
class HeifPicture:
    """Implements `Picture`."""

    width: int
    height: int
    encoded: bytes = field(repr=False)
    kind: Kind
    is_reducible: bool = False

    @property
    def cost_pixels(self) -> float:
        return self.width * self.height

    def decode(self, denominator: int = 1) -> Image | None:  # noqa: ARG002 - it has only one size
        answer = _decoded(self.encoded, self.kind)
        size = heif_decoder.SIZE
        if len(answer) < size.size:
            return None
        width, height = size.unpack_from(answer)
        if (width, height) not in ((self.width, self.height), (self.height, self.width)):
            return None
        if len(answer) != size.size + 3 * width * height:
            return None
        pixels = np.frombuffer(answer, np.uint8, offset=size.size).reshape(height, width, 3)
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))


def _decoded(encoded: bytes, kind: Kind) -> bytes:
    """What the program says; nothing where it broke, or was ended by a limit."""
    limits = (str(DECODER_SECONDS), str(DECODER_BYTES))
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-P", str(Path(heif_decoder.__file__)), kind, *limits],
            input=encoded,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=DECODER_WAIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def _environment() -> dict[str, str]:
    """No key and no password; one arena, since each thread's would reserve address space."""
    kept = {
        name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ
    }
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MALLOC_ARENA_MAX": "1"}
