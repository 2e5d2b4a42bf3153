"""The configured database's address, with the password that a file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL


def configured_url(url: str, password_file: Path | None) -> str:
    """`url` with the password in the first line of `password_file`.

    A mounted secret is read by every command as it is: libpq's own PGPASSFILE must be of mode 0600,
    which a container's secret is not. Raises `DatabaseUnavailable`.
    """
    parsed = _postgresql(url)
    if password_file is not None:
        parsed = parsed.set(password=_password(password_file))
    return parsed.render_as_string(hide_password=False)


def _postgresql(url: str) -> URL:
    """Raises `DatabaseUnavailable`, without the URL, which may hold a password."""
    from sqlalchemy.exc import ArgumentError

    from service.storage.engine import DRIVER, driver_url

    try:
        parsed = driver_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnavailable().because(Cause.URL_INVALID) from None
    if parsed.drivername != DRIVER:
        raise DatabaseUnavailable().because(Cause.URL_INVALID)
    return parsed


def _password(file: Path) -> str:
    try:
        return file.read_text("utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        failure = DatabaseUnavailable()
        raise failure.because(Cause.PASSWORD_FILE_UNUSABLE, path=file, reason=reason) from None
