"""What deletion leaves to do: expired people, and the traces in the database's files."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.context import LanguageOption, ready
from service.cli.output import NOT_DONE, err, language_of
from service.config import AppConfig
from service.texts import text
from service.wiring import Wiring

Confirm = Annotated[
    list[str] | None,
    typer.Option(help="A collection whose expired people may all go, however many they are."),
]


def purge(confirm: Confirm = None, lang: LanguageOption = None) -> None:
    """Remove people whose time is over; prints how many. A running server does so by itself.

    Status 3: unusually many are expired in some collection, so nobody was removed from it.
    """
    wiring, language = ready(lang)
    batches = list(wiring.purge.batches(wait=True, confirmed=confirm or ()))
    number = sum(batch.removed for batch in batches)
    typer.echo(text(language, "outcome.purged", number=number))
    held = [(batch.collection, batch.held) for batch in batches if batch.held is not None]
    for collection, expired in held:
        values = {"collection": collection, "expired": expired.number, "people": expired.people}
        err.print(text(language, "notice.purge_held", **values))
    if held:
        raise typer.Exit(NOT_DONE)


def scrub(lang: LanguageOption = None) -> None:
    """Make the database's files forget what was deleted. Nobody can use the tables meanwhile.

    Status 3: it may remain in some of them, which are named.
    """
    config = AppConfig()
    scrubbed, language = Wiring(config).scrub(), language_of(lang, config)
    places = {
        "notice.tables_remain": scrubbed.tables,
        "notice.statistics_remain": scrubbed.statistics,
        "notice.log_remains": scrubbed.log,
    }
    remaining = [key for key, forgotten in places.items() if not forgotten]
    for key in remaining or ["outcome.scrubbed"]:
        err.print(text(language, key))
    if remaining:
        raise typer.Exit(NOT_DONE)


def register(app: typer.Typer) -> None:
    for command in (purge, scrub):
        app.command()(command)
