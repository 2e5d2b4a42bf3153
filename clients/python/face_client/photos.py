"""Where a face comes from: photographs in any form, or one of the sources without any."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

JPEG_QUALITY = 95
"""Of pictures that PIL holds: beyond it files grow and faces do not become clearer."""


@runtime_checkable
class PilImage(Protocol):
    """What `PIL.Image.Image` has, which need not be installed."""

    def convert(self, mode: str) -> PilImage: ...
    def save(self, fp: Any, format: str | None = None, **params: Any) -> None: ...  # noqa: A002, ANN401
    def getexif(self) -> Any: ...  # noqa: ANN401


class Pixels(Protocol):
    """What `numpy.ndarray` has, which need not be installed."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...  # noqa: ANN401
    def __getitem__(self, key: Any, /) -> Any: ...  # noqa: ANN401
    def tobytes(self) -> bytes: ...


Photo = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO | PilImage
"""A picture file's content, its path, the open file, or a picture that PIL holds.

Arrays come by `bgr` or `rgb`: which of the two they are, nobody can see.
"""


@dataclass(frozen=True)
class Embedding:
    """512 numbers of the served model; the key needs the scope `embedding` as well."""

    numbers: Sequence[float] = field(repr=False)

    def fields(self) -> dict[str, Any]:
        return {"embedding": [float(number) for number in self.numbers]}


@dataclass(frozen=True)
class Camera:
    """The camera of the service's own machine."""

    max_frames: int | None = None

    def fields(self) -> dict[str, Any]:
        given = self.max_frames
        return {"camera": {} if given is None else {"maxFrames": given}}


@dataclass(frozen=True)
class Directory:
    """A folder of the service's machine, below `image_roots`."""

    dir_path: str
    max_images: int | None = None

    def fields(self) -> dict[str, Any]:
        given = {} if self.max_images is None else {"maxImages": self.max_images}
        return {"directory": {"dirPath": self.dir_path, **given}}


@dataclass(frozen=True)
class LivenessSession:
    """The frontal frame of a session that was gone through."""

    session_id: str

    def fields(self) -> dict[str, Any]:
        return {"livenessSession": self.session_id}


Photos = Photo | Sequence[Photo]
Face = Photos | Embedding | Camera | Directory | LivenessSession


def contents_of(photos: Photos) -> list[bytes]:
    """The files' contents. Raises `TypeError` for what is none, and `OSError`."""
    several = photos if isinstance(photos, (list, tuple)) else [photos]
    return [_content(photo) for photo in several]


def _content(photo: object) -> bytes:
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return bytes(photo)
    if isinstance(photo, (str, os.PathLike)):
        return Path(photo).read_bytes()
    if isinstance(photo, PilImage):
        return _jpeg(photo)
    if hasattr(photo, "shape"):
        raise TypeError(
            "an array says which color comes first: bgr(array), as OpenCV has it, or rgb(array)"
        )
    if hasattr(photo, "read"):
        return bytes(photo.read())
    raise TypeError(
        f"a photograph is bytes, a path, an open file or a PIL image, not {type(photo)}"
    )


def _jpeg(image: PilImage) -> bytes:
    """With its EXIF, which says how the picture is turned."""
    file = io.BytesIO()
    image.convert("RGB").save(file, format="JPEG", quality=JPEG_QUALITY, exif=image.getexif())
    return file.getvalue()


def bgr(array: Pixels) -> bytes:
    """The PNG file of height × width × 3 numbers of 8 bits, blue first, as OpenCV has pictures."""
    _require_pixels(array)
    return rgb(array[:, :, ::-1])


def rgb(array: Pixels) -> bytes:
    """The PNG file of height × width × 3 numbers of 8 bits, red first."""
    _require_pixels(array)
    height, width, _ = array.shape
    line, content = width * 3, array.tobytes()
    rows = b"".join(b"\0" + content[at : at + line] for at in range(0, height * line, line))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits of red, green, blue
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _require_pixels(array: Pixels) -> None:
    shape, kind = tuple(array.shape), str(array.dtype)
    if len(shape) != 3 or shape[2] != 3 or kind != "uint8":
        raise TypeError(f"a picture is height × width × 3 of uint8, not {shape} of {kind}")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
