"""Every command of `face`, with arguments that are right, and how it is run in this process."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer

from service.cli.app import app
from service.cli.exit_status import exit_status
from tests.cli.face import MASTER_KEY, Outcome

Path_ = tuple[str, ...]

VECTOR = f"[{', '.join(['0.5'] * 512)}]"


def commands(folder: Path) -> dict[Path_, Sequence[object]]:
    """By its words, the arguments of every command but `server`, which sets up a process's log."""
    photo, people, file = folder / "photo.png", folder / "people", folder / "vector.txt"
    (people / "amy").mkdir(parents=True)
    photo.write_bytes(b"no photograph")
    file.write_text(VECTOR)
    _where_nothing_can_be_downloaded(folder / "packs" / "models" / "liveness")
    return {
        ("camera",): (),
        ("directory",): ("--path", people),
        ("video",): ("--path", photo),
        ("compare",): (file, file),
        ("enroll",): ("amy", photo),
        ("verify",): ("amy", photo),
        ("dedupe",): (photo,),
        ("identify",): (photo,),
        ("delete",): ("amy",),
        ("bulk-enroll",): (people,),
        ("migrate",): (),
        ("doctor",): (),
        ("backup",): (folder / "new.face",),
        ("restore",): (photo,),
        ("purge",): (),
        ("scrub",): (),
        ("quantize",): ("--photos", people),
        ("calibrate",): (people,),
        ("model", "fetch"): ("liveness",),
        ("liveness", "measure"): (people,),
        ("subjects", "list"): (),
        ("subjects", "show"): ("amy",),
        ("subjects", "export"): ("amy",),
        ("subjects", "rename"): ("amy", "amy.lee"),
        ("subjects", "merge"): ("amy", "--from", "amy.lee"),
        ("subjects", "unlock"): ("amy",),
        ("duplicates", "list"): (),
        ("duplicates", "resolve"): (UUID(int=1), "same_person"),
        ("collections", "list"): (),
        ("collections", "show"): ("default",),
        ("collections", "create"): ("shop",),
        ("collections", "set"): ("default", "--retention-days", "365"),
        ("collections", "delete"): ("default", "--yes"),
        ("apikey", "create"): ("door", "--scope", "verify"),
        ("apikey", "list"): (),
        ("apikey", "revoke"): ("door",),
        ("keys", "status"): (),
        ("keys", "rotate"): (),
        ("keys", "rewrap"): ("--new-key-file", file),
        ("model", "move"): ("default", "--finish"),
        ("model", "status"): (),
        ("audit", "list"): (),
        ("audit", "verify"): (),
    }


def _where_nothing_can_be_downloaded(folder: Path) -> None:
    """A file stands there: it is told before anything is asked for."""
    folder.parent.mkdir(parents=True)
    folder.touch()


WITHOUT_DATABASE = {
    ("camera",),
    ("directory",),
    ("video",),
    ("compare",),
    ("quantize",),
    ("calibrate",),
    ("model", "fetch"),
    ("liveness", "measure"),
}
BEFORE_THE_DATABASE = {("restore",)}
"""It opens the backup first, and this one is none."""


def walked() -> set[Path_]:
    """The words of every command that Typer knows."""
    return set(_walk(typer.main.get_command(app), ()))


def _walk(group: Any, words: Path_) -> Iterator[Path_]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(command, (*words, name))
        else:
            yield (*words, name)


def settings(monkeypatch: pytest.MonkeyPatch, folder: Path, **given: object) -> None:
    """Of this process, in a folder of its own."""
    monkeypatch.chdir(folder)
    common = {"model_root": folder / "packs", "model_name": "none", "language": "en"}
    for name, value in {**common, "master_key": MASTER_KEY, **given}.items():
        monkeypatch.setenv(f"FACE_{name.upper()}", str(value))


def run_here(
    words: Path_, arguments: Sequence[object], capfd: pytest.CaptureFixture[str]
) -> Outcome:
    given = [*words, *map(str, arguments)]
    status = exit_status(lambda: app(given, standalone_mode=False), given)
    out, err = capfd.readouterr()
    return Outcome(status, out, err)


def closed_pipe() -> io.TextIOWrapper:
    """A stream into a pipe that nobody reads any more."""
    import os

    reading, writing = os.pipe()
    os.close(reading)
    return io.TextIOWrapper(os.fdopen(writing, "wb"), encoding="utf-8")


def is_told(outcome: Outcome) -> bool:
    """No traceback, nor what Python says of one that it could not raise."""
    said = outcome.out + outcome.err
    return "Traceback" not in said and "Exception ignored" not in said
