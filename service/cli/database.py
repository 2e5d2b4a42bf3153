"""The database as a whole: migrated, backed up, restored, and rid of what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from service.cli.context import (
    NOT_DONE,
    LanguageOption,
    err,
    labels,
    print_table,
    ready,
    shown_moment,
)
from service.cli.language import language_of
from service.config import AppConfig
from service.texts import Language, text
from service.usecases.backup import BackupStep, Watch
from service.vault.archive import Manifest
from service.wiring import Wiring

NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", dir_okay=False)]
Existing = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="What `face backup` made.", exists=True, dir_okay=False, readable=True
    ),
]
Confirm = Annotated[
    list[str] | None,
    typer.Option(help="A collection whose expired people may all go, however many they are."),
]


def migrate(lang: LanguageOption = None) -> None:
    """Bring the database to the newest revision."""
    config = AppConfig()
    Wiring(config).migrate()
    err.print(text(language_of(lang, config), "outcome.migrated"))


def backup(file: NewFile, lang: LanguageOption = None) -> None:
    """Copy the database, as it is now, into one sealed file. The master key is not in it."""
    config = AppConfig()
    language = language_of(lang, config)
    use_case = Wiring(config).backup
    with _progress(language, None) as watch:
        manifest = use_case(file, watch)
    err.print(text(language, "outcome.backed_up"))
    _print_backup(file, manifest, language)


def restore(file: Existing, lang: LanguageOption = None) -> None:
    """Restore a backup into an empty database, with the master key that it was made under.

    Empty is a new database (CREATE DATABASE) named by FACE_DATABASE_URL, or a new folder named by
    FACE_DATA_DIR.
    """
    config = AppConfig()
    language = language_of(lang, config)
    use_case = Wiring(config).restore
    with _progress(language, file.stat().st_size) as watch:
        restored = use_case(file, watch)
    err.print(text(language, "outcome.restored"))
    more = {
        "revision": restored.revision,
        "keys_opened": restored.collections,
        "templates_opened": restored.templates,
    }
    _print_backup(file, restored.manifest, language, **more)


@contextmanager
def _progress(language: Language, total: int | None) -> Iterator[Watch]:
    """A bar for each step on a terminal, nothing elsewhere. `total`: bytes; None: not known."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bars = Progress(
        *columns, TransferSpeedColumn(), console=err, transient=True, disable=not err.is_terminal
    )
    tasks: dict[BackupStep, TaskID] = {}

    def watch(step: BackupStep, size: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(text(language, f"backup_step.{step}"), total=total)
        bars.advance(tasks[step], size)

    with bars:
        yield watch


def _print_backup(file: Path, manifest: Manifest, language: Language, **more: object) -> None:
    facts = {
        "file": f"{file} ({file.stat().st_size:,} B)",
        "made_at": shown_moment(manifest.made_at),
        "version": manifest.service_version,
        "revision": manifest.contents.revision,
        "models": ", ".join(manifest.contents.model_ids) or "-",
        **more,
    }
    print_table(("", ""), [*zip(labels(language, facts), facts.values(), strict=True)])
    print_table(("", text(language, "label.rows")), sorted(manifest.contents.rows.items()))


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
    for command in (migrate, backup, restore, purge, scrub):
        app.command()(command)
