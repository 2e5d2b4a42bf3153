"""All commands under one name."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from service.cli import (
    apikeys,
    audit,
    backup,
    bulk,
    deletion,
    keys,
    operations,
    people,
    quantize,
    server,
    subjects,
    tokens,
)
from service.cli.output import (
    explain,
    explain_settings,
    explain_system,
    language_of,
    print_in_any_language,
)
from service.config import AppConfig
from service.domain.errors import FaceError
from service.domain.messages import Language

app = typer.Typer(
    name="face",
    help="Face enrollment, verification and duplicate check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for room in (tokens, server, people, bulk, operations, backup, deletion, quantize):
    room.register(app)
app.add_typer(subjects.app, name="subjects")
app.add_typer(apikeys.app, name="apikey")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Runs the command; an expected failure is a sentence on stderr, never a traceback."""
    signal.signal(signal.SIGTERM, _terminated)
    print_in_any_language()
    try:
        app()
    except FaceError as error:
        sys.exit(explain(error, _language(sys.argv)))
    except (ValidationError, SettingsError, UnicodeDecodeError) as error:
        sys.exit(explain_settings(error))
    except OSError as error:
        sys.exit(explain_system(error))


def _terminated(number: int, _: FrameType | None) -> NoReturn:
    """Leaves as by Ctrl-C, so that the embedded database is stopped: the default would not."""
    sys.exit(128 + number)


def _language(arguments: Sequence[str]) -> Language:
    """`--lang` is read once more here: the command that had parsed it is gone."""
    _, _, chosen = " ".join(arguments).replace("=", " ").partition("--lang ")
    return language_of(chosen.partition(" ")[0] or None, AppConfig())
