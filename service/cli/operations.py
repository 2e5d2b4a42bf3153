"""Migrate the database, and look whether everything is in order."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import metadata

import typer

from service.cli.options import Language
from service.cli.output import NOT_DONE, err, language_of, print_table
from service.cli.words import say
from service.config import AppConfig
from service.domain.errors import FaceError
from service.domain.messages import Language as Spoken
from service.domain.messages import message
from service.wiring import DISTRIBUTION, Wiring


def migrate(lang: Language = None) -> None:
    """Bring the database to the newest revision."""
    config = AppConfig()
    Wiring(config).migrate()
    err.print(say("migrated", language_of(lang, config)))


def doctor(lang: Language = None) -> None:
    """Look at model, providers, keys and database. Status 3: something is wrong."""
    config = AppConfig()
    wiring, language = Wiring(config), language_of(lang, config)
    checks: dict[str, Callable[[], str]] = {
        "service": lambda: f"{metadata.version(DISTRIBUTION)}, Python {platform.python_version()}",
        "runtimes": _runtimes,
        "model": lambda: wiring.engine.model.model_id,
        "licence": lambda: _licence(config.model_name),
        "providers": lambda: _providers(wiring),
        "database": lambda: _database(wiring),
        "master key": lambda: _vault(wiring),
    }
    results = [(name, *_checked(check, language)) for name, check in checks.items()]
    print_table(("", "", ""), [(name, "ok" if ok else "!!", text) for name, ok, text in results])
    if not all(ok for _, ok, _ in results):
        raise typer.Exit(NOT_DONE)


def _checked(check: Callable[[], str], language: Spoken) -> tuple[bool, str]:
    try:
        return True, check()
    except FaceError as error:
        words = message(error, language)
        return False, f"{words.title} {words.detail}"
    except OSError as error:
        return False, str(error)


def _runtimes() -> str:
    from service.engine.providers import installed_runtimes, require_one_runtime

    runtimes = installed_runtimes()
    require_one_runtime(runtimes)
    return ", ".join(f"{name} {metadata.version(name)}" for name in runtimes)


def _licence(model_name: str) -> str:
    from service.engine.loading import licence_notice

    return licence_notice(model_name) or "CC0"


def _providers(wiring: Wiring) -> str:
    requested = ", ".join(wiring.providers_requested)
    return f"{requested} -> {', '.join(wiring.engine.providers)}"


def _database(wiring: Wiring) -> str:
    wiring.gallery.check()
    wiring.require_search_memory()
    return "PostgreSQL" if wiring.config.database_url else f"embedded, {wiring.config.data_dir}"


def _vault(wiring: Wiring) -> str:
    wiring.prepare()
    return "opens the stored keys"


def register(app: typer.Typer) -> None:
    for command in (migrate, doctor):
        app.command()(command)
