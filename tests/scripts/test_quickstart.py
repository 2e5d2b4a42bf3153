"""The quickstart, run for real: from a clean clone, with an empty home and an empty pip cache.

Once with a pack that is there; then, in the same clone, with none that can be had, where it installs dlib.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil
import pytest

from scripts.environment import ROOT

pytestmark = pytest.mark.slow

LONGEST_SECONDS = 120.0
_KEPT = {"PATH", "SYSTEMROOT", "TEMP", "TMP", "COMSPEC", "PATHEXT"}
_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Run:
    """`status` and `output` of the first run with a model in the clone at `folder`; `seconds` since
    the clone was made, of all its runs.
    """

    folder: Path
    data: Path
    variables: dict[str, str]
    status: int
    output: str
    seconds: float

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


@pytest.fixture(scope="module")
def clone(place: Path) -> Path:
    """Of the last commit, with nothing installed."""
    subprocess.run(["git", "clone", "-q", ROOT, place / "clone"], check=True)
    return place / "clone"


@pytest.fixture(scope="module")
def earlier() -> list[float]:
    """Seconds that each run in the clone took."""
    return []


@pytest.fixture(scope="module", params=["mobile_s", "dlib"])
def first_run(request: pytest.FixtureRequest, clone: Path, earlier: list[float]) -> Run:
    """With a home, a pip cache and a database of its own."""
    name: str = request.param
    home = clone.parent / f"home-{name}"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if k in _KEPT or k.startswith(("PIP_", "SSL_"))}
    homes = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"), str(home))
    variables = {**kept, **homes, **_model(name, request, home)}
    run = Run(clone, clone.parent / f"data-{name}", variables, 0, "", 0.0)
    began = time.monotonic()
    done = subprocess.run(
        run.command("--once"), env=variables, cwd=clone.parent, capture_output=True, text=True
    )
    earlier.append(time.monotonic() - began)
    return replace(
        run, status=done.returncode, output=done.stdout + done.stderr, seconds=sum(earlier)
    )


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
@pytest.mark.parametrize("first_run", ["mobile_s"], indirect=True)
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
            pages = re.findall(r"(http\S+/(?:kiosk|console))#key=face_", output)
            served = [httpx.get(page).status_code for page in pages]
            process.send_signal(signal.SIGINT)
            output += process.stdout.read()
    assert process.returncode == 0, output
    assert f"port {port} is taken" in output
    assert served == [200, 200]
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
