"""All commands under one name."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from service.cli import (
    audit,
    bulk,
    calibrate,
    collections,
    database,
    doctor,
    duplicates,
    keys,
    liveness,
    model,
    model_move,
    people,
    server,
    subjects,
)
from service.cli.context import warn_of_unknown_settings
from service.cli.exit_status import exit_status
from service.wiring import version

app = typer.Typer(
    name="face",
    help="Face enrollment, verification and duplicate check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_TELL_THEMSELVES = ("server", "doctor")
"""Commands that tell of misspelt settings in their own way: in the log, in the table."""


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"face {version()}")
        raise typer.Exit


@app.callback()
def face(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Face enrollment, verification and duplicate check."""
    if ctx.invoked_subcommand not in _TELL_THEMSELVES:
        warn_of_unknown_settings()


for group in (model, calibrate, server, people, bulk, database, doctor):
    group.register(app)
app.add_typer(subjects.subjects, name="subjects")
app.add_typer(duplicates.app, name="duplicates")
app.add_typer(collections.app, name="collections")
app.add_typer(keys.api_keys, name="apikey")
app.add_typer(keys.data_keys, name="keys")
app.add_typer(audit.app, name="audit")
model_move.app.command()(model.fetch)
app.add_typer(model_move.app, name="model")
app.add_typer(liveness.app, name="liveness")


def run(arguments: Sequence[str]) -> int:
    """The exit status of `face` with these arguments; a failure is a sentence on stderr."""
    signal.signal(signal.SIGTERM, _terminated)
    return exit_status(lambda: app(list(arguments), standalone_mode=False), arguments)


def _terminated(number: int, _: FrameType | None) -> NoReturn:
    """Leaves as by Ctrl-C, so that the embedded database is stopped: the default would not."""
    sys.exit(128 + number)
