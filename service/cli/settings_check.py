"""Names in the environment and in `.env` that were meant for settings, and are none."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from difflib import get_close_matches

from service.cli.context import NEW_KEY_FILE_VARIABLE, NEW_KMS_VARIABLE
from service.cli.output import err, language_of
from service.config import AppConfig, given_names, setting_names
from service.texts import Language, text

_logger = logging.getLogger(__name__)

_OF_COMMANDS = frozenset((NEW_KEY_FILE_VARIABLE, NEW_KMS_VARIABLE))
"""Options of one command that may be given by the environment."""


_OF_TESTS = "FACE_TEST_"
"""What the project's own tests are told by the environment is nobody's misspelt setting."""


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """`place`: `.env`, or empty for the environment. `nearest`: the setting that is spelt most
    like it; empty where none is.
    """

    place: str
    name: str
    nearest: str

    def sentence(self, language: Language) -> str:
        key = "notice.nearest_setting" if self.nearest else "notice.unknown_setting"
        place = self.place or text(language, "value.environment")
        return text(language, key, place=place, name=self.name, nearest=self.nearest)


def unknown_settings() -> list[UnknownSetting]:
    """Raises `UnicodeDecodeError` where `.env` is not UTF-8."""
    known = setting_names() | _OF_COMMANDS
    return [
        UnknownSetting(place, name, _nearest(name.upper(), known))
        for place, name in given_names()
        if name.upper() not in known and not name.upper().startswith(_OF_TESTS)
    ]


def warn_of_unknown_settings() -> None:
    """On stderr, before a command does its work."""
    if unknown := unknown_settings():
        language = language_of(None, AppConfig())
        for one in unknown:
            err.print(one.sentence(language))


def log_unknown_settings(config: AppConfig) -> None:
    """In the log, for `face server`."""
    for one in unknown_settings():
        _logger.warning("%s", one.sentence(language_of(None, config)))


def _nearest(name: str, known: frozenset[str]) -> str:
    spelt = name if name.startswith("FACE_") else f"FACE_{name}"
    return next(iter(get_close_matches(spelt, known, 1)), "")
