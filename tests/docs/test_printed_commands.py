"""The printed commands are run as they stand, in a folder of their own, with a real server and database."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from scripts.environment import ROOT
from tests.cli.face import MASTER_KEY
from tests.docs.printed import PAGES, Block, blocks, is_korean, name_of
from tests.ports import free_port

SECONDS = 600
PORT = "23535"
KEY = "face_5d1c…"

RUN = {name_of(page): [b for b in blocks(page) if b.not_run is None] for page in PAGES}

FACE = """\
#!/bin/sh
# `face`, and the key that it prints once, for the lines that need it.
case "$1 $2" in
"apikey create") "{python}" -m service "$@" | tee "$SANDBOX/key" ;;
*) exec "{python}" -m service "$@" ;;
esac
"""

PRELUDE = """\
exec 2>&1
curl() { command curl --silent --show-error --fail-with-body "$@"; }
serve() { "$@" & SERVER=$!
  for _ in $(seq 900); do command curl -sf "http://127.0.0.1:$FACE_SERVER_PORT/readyz" && return; sleep 0.2; done; return 3; }
stop() { [ -z "${SERVER:-}" ] || { kill "$SERVER"; wait "$SERVER"; SERVER=; }; }
trap stop EXIT
no_is_an_answer() { "$@"; [ $? -le 1 ]; }
"""
"""Of the shell that runs a page's commands, one after the other."""

QUESTIONS = ("face verify", "face compare", "face identify", "face dedupe")
"""Commands whose status is an answer: 1 is a "no"."""


class Sandbox:
    """What the pages speak of: photographs, people, folders, a database, a master key."""

    def __init__(
        self, folder: Path, people: dict[str, list[Path]], model_root: Path, url: str
    ) -> None:
        self.folder = folder
        self._settings = {
            "FACE_DATABASE_URL": url,
            "FACE_MASTER_KEY_FILE": str(folder / "master.key"),
            "FACE_MODEL_ROOT": str(model_root),
            "FACE_MODEL_NAME": "mobile_s",
            "FACE_USE_GPU": "false",
            "FACE_CAMERA_INDEX": str(folder / "no-camera"),
            "FACE_SERVER_PORT": str(free_port()),
        }
        self._fill(people)

    def run(self, page: str) -> str:
        """All that the page's commands say, once each has done its job."""
        commands = [command for block in RUN[page] for command in block.commands]
        script = PRELUDE + "\n".join(self._checked(command) for command in commands)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _checked(self, command: str) -> str:
        line = command.replace(PORT, self._settings["FACE_SERVER_PORT"])
        line = line.replace(KEY, '$(cat "$SANDBOX/key")')
        for folder in ("/srv", "/backups"):
            line = line.replace(f" {folder}/", f" {self.folder}{folder}/")
            line = line.replace(f"={folder}/", f"={self.folder}{folder}/")
            line = line.replace(f'"{folder}/', f'"{self.folder}{folder}/')
        if "face server" in line:
            line = f"stop; serve env {line}"
        elif line.startswith(QUESTIONS):
            line = f"no_is_an_answer {line}"
        return f"echo {_quoted('$ ' + command)}\n{line} || exit 1"

    def _fill(self, people: dict[str, list[Path]]) -> None:
        (self.folder / "master.key").write_text(f"{MASTER_KEY}\n")
        (self.folder / "master.key").chmod(0o600)
        for number, photo in enumerate(people["amy"][:4], 1):
            _jpeg(photo, self.folder / f"{number}.jpg")
        for name in ("sheldon", "penny"):
            if name in people:
                _jpeg(people[name][0], self.folder / "people" / name / "1.jpg")
        for folder in ("backups", ".venv/bin", "bin"):
            (self.folder / folder).mkdir(parents=True)
        for number, folder in enumerate(("faces/user1", "faces/visitor", "srv/kiosk/faces/user1")):
            _jpeg(people["leonard"][number], self.folder / folder / "1.jpg")
        (self.folder / ".venv/bin/activate").touch()
        face = self.folder / "bin" / "face"
        face.write_text(FACE.format(python=sys.executable))
        face.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        here = {
            "PATH": path,
            "SANDBOX": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
        }
        return {**kept, **self._settings, **here}


def _jpeg(photo: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(photo).convert("RGB").save(target, quality=95)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.fixture
def sandbox(
    people: dict[str, list[Path]], model_root: Path, database_url: str
) -> Iterator[Sandbox]:
    if sys.platform == "win32" or not shutil.which("bash") or not shutil.which("curl"):
        pytest.skip("the pages' commands are for a POSIX shell with curl")
    folder = Path(tempfile.mkdtemp(prefix="face-pages-"))
    yield Sandbox(folder, people, model_root, database_url)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("page", [name for name in RUN if RUN[name] and not is_korean(name)])
def test_commands_do_as_they_stand(sandbox: Sandbox, page: str) -> None:
    sandbox.run(page)


@pytest.mark.parametrize("block", [b for page in PAGES for b in blocks(page) if b.not_run], ids=str)
def test_what_is_not_run_says_who_runs_it_or_why_nobody_can(block: Block) -> None:
    assert block.not_run
    for path in block.not_run.split():
        if path.startswith("tests/"):
            assert (ROOT / path).exists()
