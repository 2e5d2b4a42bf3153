"""In which language the command line speaks: the one that was asked for, set, or that of the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from service.config import AppConfig
from service.texts import Language

_SPOKEN: ContextVar[Language | None] = ContextVar("spoken", default=None)


def language_of(chosen: str | None, config: AppConfig) -> Language:
    """The option `--lang`, else the setting, where it was made, else the terminal's, else the setting's
    default.
    """
    if chosen is not None:
        return "en" if chosen == "en" else "ko"
    if "language" in config.model_fields_set:
        return config.language
    return language_of_locale(os.environ) or config.language


def language_of_locale(environment: Mapping[str, str]) -> Language | None:
    """Korean in a Korean locale, English in any other; None in that of POSIX, which has no language.

    >>> language_of_locale({"LC_ALL": "", "LANG": "ko_KR.UTF-8"})
    'ko'
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts (POSIX, 8.2)
    locale = next((environment[name] for name in names if environment.get(name)), "C")
    language = locale.partition(".")[0].partition("_")[0].lower()
    if language in ("c", "posix"):
        return None
    return "ko" if language == "ko" else "en"


def language_of_arguments(arguments: Sequence[str]) -> Language:
    """Before the command is parsed, and after it has failed. `arguments`: where `--lang` may stand."""
    _, _, chosen = " ".join(arguments).replace("=", " ").partition("--lang ")
    try:
        return language_of(chosen.partition(" ")[0] or None, AppConfig())
    except (ValueError, OSError):  # settings that are wrong are told by whoever needs them
        return language_of_locale(os.environ) or "ko"


@contextmanager
def spoken_by(arguments: Sequence[str]) -> Iterator[Language]:
    """The command with these arguments is run inside."""
    token = _SPOKEN.set(language_of_arguments(arguments))
    try:
        yield spoken()
    finally:
        _SPOKEN.reset(token)


def spoken() -> Language:
    """By the command that is being run; for what checks a value and is not told the options."""
    return _SPOKEN.get() or language_of_arguments(())
