"""What several commands share: their options, the wiring on a database that was looked at, and the
check for settings that are none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import err, language_of
from service.config import AppConfig, given_names, setting_names
from service.domain import identifiers
from service.texts import Language, text
from service.wiring import Wiring

logger = logging.getLogger(__name__)

NEW_KEY_FILE_VARIABLE = "FACE_NEW_MASTER_KEY_FILE"
NEW_KMS_VARIABLE = "FACE_NEW_MASTER_KEY_KMS"
"""Options of `face keys rewrap` that the environment may give; all others there are settings."""

_KNOWN_BESIDE = frozenset((NEW_KEY_FILE_VARIABLE, NEW_KMS_VARIABLE))

_OF_TESTS = "FACE_TEST_"
"""What the project's own tests are told by the environment is nobody's misspelt setting."""


class Lang(StrEnum):
    KO = "ko"
    EN = "en"


def matching(pattern: str) -> Callable[[str | None], str | None]:
    """A check: the whole value is as `pattern`, one of `identifiers.ALLOWED`, says; otherwise it is wrong
    use, status 2.
    """
    most, signs = identifiers.ALLOWED[pattern]
    allowed = f"A to Z, a to z, 0 to 9 and {' '.join('.' + signs)}"

    def check(value: str | None) -> str | None:
        if value is not None and not re.fullmatch(pattern, value):
            raise typer.BadParameter(
                f"must be 1 to {most} of {allowed}, and not . or .. as a whole"
            )
        return value

    return check


SubjectId = Annotated[
    str, typer.Argument(metavar="SUBJECT", callback=matching(identifiers.SUBJECT_ID))
]
Photographs = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO...", exists=True, dir_okay=False, readable=True),
]
Collection = Annotated[str, typer.Option("--collection", callback=matching(identifiers.COLLECTION))]
Profile = Annotated[
    str | None,
    typer.Option("--profile", callback=matching(identifiers.PROFILE), show_default=False),
]
LanguageOption = Annotated[
    Lang | None,
    typer.Option("--lang", help="Language of what is printed.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the HTTP service answers.")]


def ready(lang: str | None) -> tuple[Wiring, Language]:
    """The wiring on a database that was looked at, and the language to speak.

    Raises `Misconfigured`, `Unavailable`.
    """
    config = AppConfig()
    wiring = Wiring(config)
    wiring.prepare()
    return wiring, language_of(lang, config)


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
    known = setting_names() | _KNOWN_BESIDE
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
        logger.warning("%s", one.sentence(language_of(None, config)))


def _nearest(name: str, known: frozenset[str]) -> str:
    spelt = name if name.startswith("FACE_") else f"FACE_{name}"
    return next(iter(get_close_matches(spelt, known, 1)), "")
