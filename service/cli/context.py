"""Options that several commands share, and how their values are checked.

The local machine's gallery, ready for a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import language_of
from service.config import AppConfig
from service.domain import identifiers
from service.domain.collection import DEFAULT_COLLECTION
from service.texts import Language
from service.wiring import Wiring

__all__ = ["DEFAULT_COLLECTION"]


NEW_KEY_FILE_VARIABLE = "FACE_NEW_MASTER_KEY_FILE"
NEW_KMS_VARIABLE = "FACE_NEW_MASTER_KEY_KMS"
"""Options of `face keys rewrap` that the environment may give; all others there are settings."""


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
    """Parts on a database that was looked at, and the language to speak.

    Raises `Misconfigured`, `Unavailable`.
    """
    config = AppConfig()
    wiring = Wiring(config)
    wiring.prepare()
    return wiring, language_of(lang, config)
