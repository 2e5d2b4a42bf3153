"""The photographs of a folder, or of files named one by one, and which folders may be read.

A file is opened as it was checked: what it is by then cannot have been put in its place. A path is
looked for in the Unicode form in which it is written on the disk: macOS writes Hangul as its single
letters (NFD), spreadsheets and keyboards as syllables (NFC); to Linux these are different names.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from service.capture.heif import can_read_heif, heif_kind
from service.capture.images import EncodedPhotograph, ImageLimits
from service.domain.errors import (
    DirectoryNotAllowed,
    DirectoryNotFound,
    FieldProblem,
    InvalidRequest,
    TooManyImages,
    UnsupportedImage,
)
from service.domain.face import Decoded, Image, Photograph, Reason


def as_on_disk(path: Path) -> Path:
    """The same path, each part of it in the form that exists; as it is where none does."""
    if os.path.lexists(path):
        return path
    found = Path(path.anchor)
    for part in path.parts[1 if path.anchor else 0 :]:
        forms = (part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part))
        found /= next((form for form in forms if os.path.lexists(found / form)), part)
    return found


HEAD_BYTES = 64
"""Enough to tell a format by."""

_BY_NUMBER = {
    errno.EACCES: FieldProblem.CLOSED,
    errno.EPERM: FieldProblem.CLOSED,
    errno.ELOOP: FieldProblem.LINK_LEADS_NOWHERE,
}


def require_readable(files: Iterable[Path]) -> None:
    """Raises `InvalidRequest`, which names each file that cannot be read, and `UnsupportedImage`."""
    if problems := [problem for file in files if (problem := _problem_of(file))]:
        raise InvalidRequest(problems)


def _problem_of(file: Path) -> Mapping[str, Any] | None:
    try:
        head = _head(file)
    except _NotAFile:
        return _particular(file, FieldProblem.NOT_A_FILE)
    except OSError as error:
        return _particular(file, _BY_NUMBER.get(error.errno or 0) or _missing(file))
    except ValueError:  # what no file can be named: a NUL
        return _particular(file, FieldProblem.NO_SUCH_FILE)
    if heif_kind(head) and not can_read_heif():
        raise UnsupportedImage
    return None


class _NotAFile(Exception):
    pass


def _head(file: Path) -> bytes:
    if not stat.S_ISREG(file.stat().st_mode):  # before it is opened: a FIFO would wait for a writer
        raise _NotAFile
    with file.open("rb") as opened:
        return opened.read(HEAD_BYTES)


def _missing(file: Path) -> FieldProblem:
    if file.is_symlink():
        return FieldProblem.LINK_LEADS_NOWHERE
    return FieldProblem.NO_SUCH_FILE if file.parent.is_dir() else FieldProblem.NO_SUCH_FOLDER


def _particular(file: Path, problem: FieldProblem) -> Mapping[str, Any]:
    return {"field": "images", "problem": problem, "allowed": {"path": str(file)}}


SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
HEIF_SUFFIXES = frozenset({".heic", ".heif"})
"""Looked for where the extra `heif` is installed."""

_NUMBER = re.compile(r"([0-9]+)")


def directory_photographs(
    path: str, max_images: int, limits: ImageLimits, roots: Sequence[Path] | None
) -> list[Photograph]:
    """The first `max_images` images in natural order of their names (2 before 10), unread yet.

    `roots`: the folders that may be read, with all below them; None for all. A folder that is
    missing, or closed to this user, has no images. Raises `DirectoryNotAllowed` for a folder
    outside the roots, whether it exists or not, and for an image that is a symlink to there;
    `UnsupportedImage` where all that it has is HEIC, which cannot be read here.
    """
    folder = _resolved(as_on_disk(Path(path)))
    _require_within(folder, roots)
    if folder is None:
        return []
    files = list(islice(_image_files(folder, roots), max_images))
    if not files and _named_with(HEIF_SUFFIXES, folder):
        raise UnsupportedImage
    return [FilePhotograph(file, limits) for file in files]


def require_directory(path: str) -> None:
    """Raises `DirectoryNotFound` for what is no folder, or none that this user may read."""
    folder = _resolved(as_on_disk(Path(path)))
    try:
        readable = folder is not None and folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
    except (OSError, ValueError):
        readable = False
    if not readable:
        raise DirectoryNotFound


def named_photographs(
    paths: Sequence[str], limits: ImageLimits, roots: Sequence[Path] | None
) -> list[Photograph]:
    """One photograph per path, unread yet.

    Raises `TooManyImages`, `DirectoryNotAllowed` for a file outside the roots, `InvalidRequest` for
    files that cannot be read, and `UnsupportedImage` for HEIC that cannot be read here.
    """
    if len(paths) > limits.max_images:
        raise TooManyImages(limit=limits.max_images)
    named = [as_on_disk(Path(path)) for path in paths]
    files = [_resolved(path) or path for path in named]
    for file in files:
        _require_within(file, roots)
    require_readable(files)
    return [FilePhotograph(file, limits) for file in files]


def _require_within(path: Path | None, roots: Sequence[Path] | None) -> None:
    if roots is None:
        return
    resolved = [_resolved(root) for root in roots]
    if path is None or not any(root and path.is_relative_to(root) for root in resolved):
        raise DirectoryNotAllowed


def _image_files(folder: Path, roots: Sequence[Path] | None) -> Iterator[Path]:
    suffixes = SUFFIXES | HEIF_SUFFIXES if can_read_heif() else SUFFIXES
    for named in sorted(_named_with(suffixes, folder), key=_natural_order):
        file = _resolved(named)
        if file is not None:
            # Before looking what it is: whether something exists outside is not told either.
            _require_within(file, roots)
            if _is_regular(file):
                yield file


def _named_with(suffixes: AbstractSet[str], folder: Path) -> list[Path]:
    """Hidden files are none: macOS puts a `._1.jpg` beside each `1.jpg` of an archive."""
    try:
        visible = [path for path in folder.iterdir() if not path.name.startswith(".")]
        return [path for path in visible if path.suffix.lower() in suffixes]
    except (OSError, ValueError):
        return []


def _natural_order(path: Path) -> tuple[list[str | int], str]:
    # split() with a group gives text and number in turn, so that like is compared with like.
    parts = _NUMBER.split(path.name.casefold())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], path.name


def _resolved(path: Path) -> Path | None:
    """Absolute and free of symlinks; None for what cannot name a file: a NUL, a loop of links."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _is_regular(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


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
