"""API keys of callers, the data keys of collections, and the master key that wraps those."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import (
    NEW_KEY_FILE_VARIABLE,
    NEW_KMS_VARIABLE,
    NOT_DONE,
    AsJson,
    Collection,
    LanguageOption,
    err,
    labels,
    matching,
    print_json,
    print_table,
    progress_bar,
    ready,
    shown_moment,
)
from service.cli.language import language_of, spoken
from service.config import AppConfig
from service.domain import identifiers
from service.domain.callers import LOCAL_USER, ApiKey, Scope
from service.domain.collection import DEFAULT_COLLECTION
from service.texts import Language, text
from service.usecases.key_rotation import KeyStatus
from service.wiring import Wiring

api_keys = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
data_keys = typer.Typer(
    help="Data keys and the master key.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(callback=matching(identifiers.API_KEY))]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(given: str) -> timedelta:
    """`90m`, `12h`, `30d` or `8w`. Raises `typer.BadParameter`."""
    parts = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", given)
    if parts is None:
        raise typer.BadParameter(text(spoken(), "notice.duration_form"))
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


@api_keys.command()
def create(
    name: Name,
    scope: Annotated[list[Scope], typer.Option(help="What the key may do; repeatable.")],
    collection: Annotated[
        list[str] | None,
        typer.Option(help="The only collections it may touch; repeatable. None: all."),
    ] = None,
    expires: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="30d", help="How long it is valid."),
    ] = None,
    lang: LanguageOption = None,  # noqa: ARG001 - read before the command is
) -> None:
    """Make a key and print it, for the only time: only its hash is stored."""
    for each in collection or ():
        matching(identifiers.COLLECTION)(each)
    until = datetime.now(UTC) + expires if expires else None
    typer.echo(Wiring(AppConfig()).api_keys.create(name, scope, collection or (), until).key)


@api_keys.command("list")
def list_keys(as_json: AsJson = False, lang: LanguageOption = None) -> None:
    """All keys, without the keys themselves, and when each was used last, to five minutes."""
    config = AppConfig()
    keys = Wiring(config).api_keys.all()
    if as_json:
        from service.api.routes.api_keys import api_key_list  # FastAPI takes half a second

        return print_json(api_key_list(keys))
    language, now = language_of(lang, config), datetime.now(UTC)
    headings = ("name", "scopes", "collections", "expires", "last_used", "state")
    print_table(labels(language, headings), [_row_of_api_key(key, now, language) for key in keys])
    return None


@api_keys.command()
def revoke(name: Name, lang: LanguageOption = None) -> None:
    """From now on the key opens nothing."""
    config = AppConfig()
    Wiring(config).api_keys.revoke(name)
    err.print(text(language_of(lang, config), "outcome.revoked", name=name))


def _row_of_api_key(key: ApiKey, now: datetime, language: Language) -> tuple[str, ...]:
    return (
        key.name,
        ", ".join(sorted(key.scopes)),
        ", ".join(sorted(key.collections)) or text(language, "value.all"),
        shown_moment(key.expires_at),
        shown_moment(key.last_used_at),
        text(language, "value.valid" if key.is_valid(now) else "value.invalid"),
    )


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


@data_keys.command()
def status(lang: LanguageOption = None) -> None:
    """Every collection's keys. Status 3: the master key does not open some."""
    config = AppConfig()
    language, now = language_of(lang, config), datetime.now(UTC)
    keys = Wiring(config).keys.status()
    rows = [_row_of_data_key(one, now, language) for one in keys]
    print_table(labels(language, _HEADINGS), rows)
    if not all(one.opens for one in keys):
        raise typer.Exit(NOT_DONE)


@data_keys.command()
def rotate(collection: Collection = DEFAULT_COLLECTION, lang: LanguageOption = None) -> None:
    """Move a collection to a new data key while it is in use. Interrupted: run it again."""
    wiring, language = ready(lang)
    with progress_bar(collection) as report:
        done = wiring.rotate_key(collection, LOCAL_USER.name, report)
    if done.resumed:
        err.print(text(language, "outcome.resumed", collection=collection))
    values = {"collection": collection, "moved": done.moved, "key": done.active}
    err.print(text(language, "outcome.rotated", **values))


@data_keys.command()
def rewrap(
    new_key_file: NewKeyFile = None, new_kms: NewKms = None, lang: LanguageOption = None
) -> None:
    """Wrap all keys under another master key. Afterwards the setting has to name that one."""
    if (new_key_file is None) == (new_kms is None):
        raise typer.BadParameter(text(spoken(), "notice.one_new_master_key"))
    wiring, language = ready(lang)
    rewrapping = wiring.rewrapping_to(new_key_file or str(new_kms))
    number = wiring.keys.rewrap(rewrapping, LOCAL_USER.name)
    err.print(text(language, "outcome.rewrapped", number=number))


def _row_of_data_key(one: KeyStatus, now: datetime, language: Language) -> tuple[object, ...]:
    return (
        one.collection,
        one.templates,
        one.active,
        shown_moment(one.since),
        (now - one.since).days,
        one.retiring or "-",
        one.waiting or "-",
        text(language, "value.yes" if one.opens else "value.no"),
    )
