"""Keys for callers over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.cli.context import LanguageOption, matching
from service.cli.output import err, labels, language_of, print_table
from service.config import AppConfig
from service.domain import identifiers
from service.domain.callers import ApiKey, Scope
from service.texts import Language, text
from service.wiring import Wiring

app = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(callback=matching(identifiers.API_KEY))]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """`90m`, `12h`, `30d` or `8w`. Raises `typer.BadParameter`."""
    parts = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    if parts is None:
        raise typer.BadParameter("must be a number with m, h, d or w, as in 30d")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


@app.command()
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
) -> None:
    """Make a key and print it, for the only time: only its hash is stored."""
    for each in collection or ():
        matching(identifiers.COLLECTION)(each)
    until = datetime.now(UTC) + expires if expires else None
    typer.echo(Wiring(AppConfig()).api_keys.create(name, scope, collection or (), until))


@app.command("list")
def list_keys(lang: LanguageOption = None) -> None:
    """All keys, without the keys themselves."""
    config = AppConfig()
    language, now = language_of(lang, config), datetime.now(UTC)
    headings = ("name", "scopes", "collections", "expires", "state")
    rows = [_row(key, now, language) for key in Wiring(config).api_keys.all()]
    print_table(labels(language, headings), rows)


@app.command()
def revoke(name: Name, lang: LanguageOption = None) -> None:
    """From now on the key opens nothing."""
    config = AppConfig()
    Wiring(config).api_keys.revoke(name)
    err.print(text(language_of(lang, config), "outcome.revoked", name=name))


def _row(key: ApiKey, now: datetime, language: Language) -> tuple[str, ...]:
    return (
        key.name,
        ", ".join(sorted(key.scopes)),
        ", ".join(sorted(key.collections)) or text(language, "value.all"),
        f"{key.expires_at:%F %T %Z}" if key.expires_at else "-",
        text(language, "value.valid" if key.is_valid(now) else "value.invalid"),
    )
