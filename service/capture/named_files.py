"""Files that somebody named one by one: what is wrong with each is told by its path."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from service.capture.heif import can_read_heif, heif_kind
from service.domain.errors import InvalidRequest, UnsupportedImage
from service.domain.messages import FieldProblem

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
