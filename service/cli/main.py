"""All commands under one name."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from pydantic import ValidationError

from service.cli import apikeys, operations, people, server, subjects, tokens
from service.cli.output import NOT_DONE, err, explain, explain_settings, language_of
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

for room in (tokens, server, people, operations):
    room.register(app)
app.add_typer(subjects.app, name="subjects")
app.add_typer(apikeys.app, name="apikey")


def main() -> None:
    """Runs the command; an expected failure is a sentence on stderr, never a traceback."""
    try:
        app()
    except FaceError as error:
        sys.exit(explain(error, _language(sys.argv)))
    except ValidationError as error:
        sys.exit(explain_settings(error))
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        err.print(f"{error.strerror}: {error.filename}")
        sys.exit(NOT_DONE)


def _language(arguments: Sequence[str]) -> Language:
    """`--lang` is read once more here: the command that had parsed it is gone."""
    _, _, chosen = " ".join(arguments).replace("=", " ").partition("--lang ")
    return language_of(chosen.partition(" ")[0] or None, AppConfig())
