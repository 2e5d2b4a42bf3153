"""Migrate the database."""

from __future__ import annotations

import typer

from service.cli.context import Language
from service.cli.output import err, language_of
from service.cli.words import say
from service.config import AppConfig
from service.wiring import Wiring


def migrate(lang: Language = None) -> None:
    """Bring the database to the newest revision."""
    config = AppConfig()
    Wiring(config).migrate()
    err.print(say("migrated", language_of(lang, config)))


def register(app: typer.Typer) -> None:
    app.command()(migrate)
