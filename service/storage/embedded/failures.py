"""What the operating system or PostgreSQL refuses the embedded server, as causes for the operator."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable
from service.storage.embedded.programs import program_failed, user_name


def refused(error: OSError, data_dir: Path) -> DatabaseUnavailable:
    """`error`: of a file in `data_dir`, or near it."""
    path = error.filename or data_dir
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DatabaseUnavailable().because(Cause.DISK_FULL)
    if error.errno == errno.EROFS:
        return DatabaseUnavailable().because(Cause.FOLDER_READ_ONLY, path=path)
    if isinstance(error, PermissionError):
        user = user_name(os.geteuid()) if hasattr(os, "geteuid") else "-"
        return DatabaseUnavailable().because(Cause.FOLDER_CLOSED, path=path, user=user)
    reason = error.strerror or type(error).__name__
    return DatabaseUnavailable().because(Cause.FOLDER_UNUSABLE, path=path, reason=reason)


def told_by_server(log: Path, since: int) -> DatabaseUnavailable | None:
    """What it wrote into its log from this byte on; pg_ctl itself only points there."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            said = file.read().decode(errors="replace")
    except OSError:
        return None
    return program_failed("postgres", said) if said.strip() else None
