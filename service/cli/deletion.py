"""What deletion leaves to do: expired people, and the traces in the database's files."""

from __future__ import annotations

import typer

from service.cli.options import Language
from service.cli.output import NOT_DONE, err, language_of
from service.cli.ready import ready
from service.cli.words import say
from service.config import AppConfig
from service.wiring import Wiring


def purge(lang: Language = None) -> None:
    """Remove people whose time is over; prints how many. A running server does so by itself."""
    wiring, language = ready(lang)
    removed = sum(wiring.purge.batches(wait=True))
    typer.echo(f"{say('purged', language)}: {removed}")


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
