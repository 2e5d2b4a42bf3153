"""What deletion leaves to do: expired people, and the traces in the database's files."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.context import Language, ready
from service.cli.output import NOT_DONE, err, language_of
from service.cli.words import say
from service.config import AppConfig
from service.wiring import Wiring

Confirm = Annotated[
    list[str] | None,
    typer.Option(help="A collection whose expired people may all go, however many they are."),
]


def purge(confirm: Confirm = None, lang: Language = None) -> None:
    """Remove people whose time is over; prints how many. A running server does so by itself.

    Status 3: unusually many are expired in some collection, so nobody was removed from it.
    """
    wiring, language = ready(lang)
    batches = list(wiring.purge.batches(wait=True, confirmed=confirm or ()))
    typer.echo(f"{say('purged', language)}: {sum(batch.removed for batch in batches)}")
    held = [(batch.collection, batch.held) for batch in batches if batch.held is not None]
    for collection, expired in held:
        text = say("purge_held", language)
        err.print(text.format(collection=collection, expired=expired.number, people=expired.people))
    if held:
        raise typer.Exit(NOT_DONE)


def scrub(lang: Language = None) -> None:
    """Make the database's files forget what was deleted. Nobody can use the tables meanwhile.

    Status 3: it may remain in some of them, which are named.
    """
    config = AppConfig()
    scrubbed, language = Wiring(config).scrub(), language_of(lang, config)
    places = {
        "tables_remain": scrubbed.tables,
        "statistics_remain": scrubbed.statistics,
        "log_remains": scrubbed.log,
    }
    remaining = [words for words, forgotten in places.items() if not forgotten]
    for words in remaining or ["scrubbed"]:
        err.print(say(words, language))
    if remaining:
        raise typer.Exit(NOT_DONE)


def register(app: typer.Typer) -> None:
    for command in (purge, scrub):
        app.command()(command)
