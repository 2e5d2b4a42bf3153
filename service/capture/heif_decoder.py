"""A program: HEIC or AVIF on stdin, width, height and red-green-blue pixels on stdout.

    python heif_decoder.py heic|avif SECONDS BYTES

A few bytes of HEVC or AV1 may hold thousands of hidden frames, and frames larger than the header says: so they
are decoded where nothing else runs, with so many seconds of a core and so many bytes of memory.
"""

from __future__ import annotations

import io
import struct
import sys
from typing import BinaryIO

from PIL import Image as Pillow
from PIL import ImageOps
from PIL.AvifImagePlugin import AvifImageFile

SIZE = struct.Struct(">II")
"""Width and height, before the pixels."""

THREADS = 1


def main(kind: str, seconds: int, memory: int, source: BinaryIO, target: BinaryIO) -> None:
    limit(seconds, memory)
    shown = _on_white(_opened(kind, source.read()))
    target.write(SIZE.pack(*shown.size))
    target.write(shown.tobytes())


def limit(seconds: int, memory: int) -> None:
    """Of this process; the system ends it where it takes more."""
    if sys.platform == "win32":  # has no such limits: the time that is waited for it remains
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _opened(kind: str, encoded: bytes) -> Pillow.Image:
    """Of HEIC its primary picture."""
    if kind == "avif":
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = THREADS
        return AvifImageFile(io.BytesIO(encoded))
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = THREADS
    opened: Pillow.Image = pillow_heif.HeifImageFile(io.BytesIO(encoded))  # type: ignore[no-untyped-call]
    return opened


def _on_white(opened: Pillow.Image) -> Pillow.Image:
    """Upright, with transparency over white."""
    ImageOps.exif_transpose(opened, in_place=True)
    if opened.has_transparency_data:
        white = Pillow.new("RGBA", opened.size, "white")
        opened = Pillow.alpha_composite(white, opened.convert("RGBA"))
    return opened if opened.mode == "RGB" else opened.convert("RGB")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer, sys.stdout.buffer)
