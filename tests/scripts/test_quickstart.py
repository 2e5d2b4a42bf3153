"""The quickstart, run for real: from a clean clone, with an empty home and an empty pip cache."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from scripts.environment import ROOT

pytestmark = pytest.mark.slow

LONGEST_SECONDS = 120.0
_KEPT = {"PATH", "SYSTEMROOT", "TEMP", "TMP", "COMSPEC", "PATHEXT"}
_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Run:
    """`status`, `output` and `seconds` of the first run in the clone at `folder`."""

    folder: Path
    variables: dict[str, str]
    status: int
    output: str
    seconds: float

    @property
    def data(self) -> Path:
        return self.folder.parent / "data"

    def command(self, *arguments: str) -> list[str]:
        script = str(self.folder / "scripts" / "quickstart.py")
        return [sys.executable, script, "--data-dir", str(self.data), "--lang", "en", *arguments]

    def left_over(self) -> list[psutil.Process]:
        """Processes that were started from here and still run after a grace period."""
        place = str(self.folder.parent)
        found = [
            process
            for process in psutil.process_iter(["cmdline"])
            if place in " ".join(process.info["cmdline"] or ())
        ]
        alive: list[psutil.Process] = psutil.wait_procs(found, _STOP_SECONDS)[1]
        return alive


INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Also where the tests run in the background of a shell, which has SIGINT ignored there. A program of
its own, since between fork and exec this process, in which models are loaded, may run no Python.
"""


def _model(name: str, request: pytest.FixtureRequest, home: Path) -> dict[str, str]:
    """A configured pack; or none that can be had: a file stands where packs would be put."""
    if name == "mobile_s":
        root = request.getfixturevalue("model_root")
        return {"FACE_MODEL_ROOT": str(root), "FACE_MODEL_NAME": name}
    occupied = home / "occupied"
    occupied.touch()
    return {"FACE_MODEL_ROOT": str(occupied)}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Not pytest's own folder: each session that starts closes that to other users, and for root
    the embedded PostgreSQL runs as another user."""
    with tempfile.TemporaryDirectory(prefix="quickstart-") as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="module", params=["mobile_s", "dlib"])
def first_run(request: pytest.FixtureRequest, place: Path) -> Run:
    place = place / request.param
    place.mkdir()
    folder, home = place / "clone", place / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
    kept = {k: v for k, v in os.environ.items() if k in _KEPT or k.startswith(("PIP_", "SSL_"))}
    homes = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"), str(home))
    variables = {**kept, **homes, **_model(request.param, request, home)}
    run = Run(folder, variables, 0, "", 0.0)
    began = time.monotonic()
    done = subprocess.run(
        run.command("--once"), env=variables, cwd=place, capture_output=True, text=True
    )
    seconds = time.monotonic() - began
    return Run(folder, variables, done.returncode, done.stdout + done.stderr, seconds)


def test_succeeds_from_a_clean_clone(first_run: Run) -> None:
    assert first_run.status == 0, first_run.output
    assert "FAIL" not in first_run.output


def test_takes_less_than_two_minutes(first_run: Run) -> None:
    assert first_run.seconds < LONGEST_SECONDS, first_run.output


def test_shows_the_whole_job(first_run: Run) -> None:
    for outcome in ("match, 0.", "no match, ", "refused, 409", "404 subject_not_found"):
        assert outcome in first_run.output


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_keeps_the_master_key_to_its_user(first_run: Run) -> None:
    assert stat.S_IMODE((first_run.data / "master.key").stat().st_mode) == 0o600


def test_leaves_nothing_running(first_run: Run) -> None:
    assert first_run.left_over() == []


def test_leaves_the_checkout_as_it_was(first_run: Run) -> None:
    state = subprocess.run(
        ["git", "status", "--porcelain"], cwd=first_run.folder, capture_output=True, text=True
    )
    assert state.stdout == ""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_serves_on_a_free_port_until_interrupted_in_a_second_run(first_run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = first_run.command("--port", str(port))
        with subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, *command],
            env=first_run.variables,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            output = ""
            while "/enroll" not in output and (line := process.stdout.readline()):
                output += line
            process.send_signal(signal.SIGINT)
            output += process.stdout.read()
    assert process.returncode == 0, output
    assert f"port {port} is taken" in output
    assert "key revoked, server stopped" in output
    assert first_run.left_over() == []


def test_names_the_step_that_failed_and_what_to_do(first_run: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        first_run.command("--once", "--photos", str(tmp_path)),
        env=first_run.variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "FAIL  photographs" in done.stdout
    assert "one folder per person" in done.stderr
