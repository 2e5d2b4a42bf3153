"""The keys under which people are sealed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import (
    DEFAULT_COLLECTION,
    NEW_KEY_FILE_VARIABLE,
    NEW_KMS_VARIABLE,
    Collection,
    LanguageOption,
    ready,
)
from service.cli.output import NOT_DONE, err, labels, language_of, print_table, progress_bar
from service.config import AppConfig
from service.domain.callers import LOCAL_USER
from service.texts import Language, text
from service.usecases.key_rotation import KeyStatus
from service.wiring import Wiring

app = typer.Typer(help="Data keys and the master key.", no_args_is_help=True, rich_markup_mode=None)

_HEADINGS = (
    "collection",
    "templates",
    "active_key",
    "key_since",
    "key_age",
    "retiring_key",
    "rows_waiting",
    "master_key_opens",
)

NewKeyFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        envvar=NEW_KEY_FILE_VARIABLE,
        help="A file with the new master key, base64.",
    ),
]
NewKms = Annotated[
    str | None,
    typer.Option(envvar=NEW_KMS_VARIABLE, help="An AWS KMS key: id, ARN or alias."),
]


@app.command()
def status(lang: LanguageOption = None) -> None:
    """Every collection's keys. Status 3: the master key does not open some."""
    config = AppConfig()
    language, now = language_of(lang, config), datetime.now(UTC)
    keys = Wiring(config).keys.status()
    rows = [_row(one, now, language) for one in keys]
    print_table(labels(language, _HEADINGS), rows)
    if not all(one.opens for one in keys):
        raise typer.Exit(NOT_DONE)


@app.command()
def rotate(collection: Collection = DEFAULT_COLLECTION, lang: LanguageOption = None) -> None:
    """Move a collection to a new data key while it is in use. Interrupted: run it again."""
    wiring, language = ready(lang)
    with progress_bar(collection) as report:
        done = wiring.rotate_key(collection, LOCAL_USER.name, report)
    if done.resumed:
        err.print(text(language, "outcome.resumed", collection=collection))
    values = {"collection": collection, "moved": done.moved, "key": done.active}
    err.print(text(language, "outcome.rotated", **values))


@app.command()
def rewrap(
    new_key_file: NewKeyFile = None, new_kms: NewKms = None, lang: LanguageOption = None
) -> None:
    """Wrap all keys under another master key. Afterwards the setting has to name that one."""
    if (new_key_file is None) == (new_kms is None):
        raise typer.BadParameter(text(language_of(lang, AppConfig()), "notice.one_new_master_key"))
    wiring, language = ready(lang)
    rewrapping = wiring.rewrapping_to(new_key_file or str(new_kms))
    number = wiring.keys.rewrap(rewrapping, LOCAL_USER.name)
    err.print(text(language, "outcome.rewrapped", number=number))


def _row(one: KeyStatus, now: datetime, language: Language) -> tuple[object, ...]:
    return (
        one.collection,
        one.templates,
        one.active,
        f"{one.since:%F %T %Z}",
        (now - one.since).days,
        one.retiring or "-",
        one.waiting or "-",
        text(language, "value.yes" if one.opens else "value.no"),
    )
