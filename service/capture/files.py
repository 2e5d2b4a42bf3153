"""Opening exactly the file that was checked."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from service.capture.images import EncodedPhotograph, ImageLimits
from service.domain.face import Decoded, Image, Reason

_TO_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer would never open
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
# O_PATH: a folder that may be passed through need not be readable.
_TO_PASS = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_PATH", 0)


@dataclass(frozen=True, slots=True)
class FilePhotograph:
    """A `Photograph` in a file; `path` is absolute and free of symlinks."""

    path: Path = field(repr=False)
    limits: ImageLimits

    def pixels(self) -> Image | Reason:
        encoded = self._encoded()
        return encoded if isinstance(encoded, Reason) else encoded.pixels()

    def reduced(self, least_side: int) -> Decoded | Reason:
        encoded = self._encoded()
        return encoded if isinstance(encoded, Reason) else encoded.reduced(least_side)

    def _encoded(self) -> EncodedPhotograph | Reason:
        try:
            # One byte more than allowed, to tell a file that is longer.
            return EncodedPhotograph(_read(self.path, self.limits.max_bytes + 1), self.limits)
        except (OSError, ValueError):
            return Reason.UNREADABLE


def _read(path: Path, size: int) -> bytes:
    with os.fdopen(_open_resolved(path), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        return file.read(size)


def _open_resolved(path: Path) -> int:
    """A descriptor of `path`; raises `OSError` where any part of it has become a symlink.

    O_NOFOLLOW looks at the last part only (open(2)), so each folder is passed by its own.
    """
    if os.open not in os.supports_dir_fd:
        return _open_unmoved(path)
    folder = os.open(path.anchor, _TO_PASS)
    try:
        for name in path.parts[1:-1]:
            inner = os.open(name, _TO_PASS, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(path.name, _TO_READ, dir_fd=folder)
    finally:
        os.close(folder)


def _open_unmoved(path: Path) -> int:
    if path.resolve(strict=True) != path:
        raise OSError("moved since it was checked")
    return os.open(path, _TO_READ)
