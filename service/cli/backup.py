"""Keep a copy of the database, and restore one."""

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

from service.cli.context import LanguageOption
from service.cli.output import err, labels, language_of, print_table
from service.config import AppConfig
from service.domain.backup import Manifest
from service.texts import Language, text
from service.usecases.backup import Step, Watch
from service.wiring import Wiring

NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", dir_okay=False)]
Existing = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="What `face backup` made.", exists=True, dir_okay=False, readable=True
    ),
]


def backup(file: NewFile, lang: LanguageOption = None) -> None:
    """Copy the database, as it is now, into one sealed file. The master key is not in it."""
    config = AppConfig()
    language = language_of(lang, config)
    use_case = Wiring(config).backup
    with _progress(language, None) as watch:
        manifest = use_case(file, watch)
    err.print(text(language, "outcome.backed_up"))
    _print(file, manifest, language)


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
    _print(file, restored.manifest, language, **more)


@contextmanager
def _progress(language: Language, total: int | None) -> Iterator[Watch]:
    """A bar for each step on a terminal, nothing elsewhere. `total`: bytes; None: not known."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bars = Progress(
        *columns, TransferSpeedColumn(), console=err, transient=True, disable=not err.is_terminal
    )
    tasks: dict[Step, TaskID] = {}

    def watch(step: Step, size: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(text(language, f"backup_step.{step}"), total=total)
        bars.advance(tasks[step], size)

    with bars:
        yield watch


def _print(file: Path, manifest: Manifest, language: Language, **more: object) -> None:
    facts = {
        "file": f"{file} ({file.stat().st_size:,} B)",
        "made_at": f"{manifest.made_at:%F %T %Z}",
        "version": manifest.service_version,
        "revision": manifest.contents.revision,
        "models": ", ".join(manifest.contents.model_ids) or "-",
        **more,
    }
    print_table(("", ""), [*zip(labels(language, facts), facts.values(), strict=True)])
    print_table(("", text(language, "label.rows")), sorted(manifest.contents.rows.items()))


def register(app: typer.Typer) -> None:
    for command in (backup, restore):
        app.command()(command)
