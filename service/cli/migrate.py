"""Migrate the database."""

from __future__ import annotations

import typer

from service.cli.context import LanguageOption
from service.cli.output import err, language_of
from service.config import AppConfig
from service.texts import text
from service.wiring import Wiring


def migrate(lang: LanguageOption = None) -> None:
    """Bring the database to the newest revision."""
    config = AppConfig()
    Wiring(config).migrate()
    err.print(text(language_of(lang, config), "outcome.migrated"))


def register(app: typer.Typer) -> None:
    app.command()(migrate)
