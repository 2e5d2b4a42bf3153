"""The virtual environment `.venv`: made where there is none, filled from the lock. No dependencies."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = "requirements.lock"

RUNTIMES = {
    "cpu": "onnxruntime",
    "cuda": "onnxruntime-gpu",
    "directml": "onnxruntime-directml",
}
"""By device: distributions of one and the same Python package, so that only one may be there."""

_OUTPUT_LINES = 25
"""How much of a failed command's output is shown: the cause stands at its end."""

_USABLE = "import sys, pip; sys.exit(sys.version_info < (3, 11))"


class EnvironmentFailed(Exception):
    """What went wrong and what to do, for the user to read."""


@dataclass(frozen=True, slots=True)
class Environment:
    """`.venv` of the checkout at `root`."""

    root: Path = ROOT

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.program("python")

    def program(self, name: str) -> Path:
        """A command that was installed here."""
        if os.name == "nt":
            return self.folder / "Scripts" / f"{name}.exe"
        return self.folder / "bin" / name

    def ensure(self, extras: Iterable[str] = (), device: str | None = None) -> None:
        """Made and filled: everything is installed, with these `extras` and those of earlier runs.

        `device`: whose runtime remains, a key of `RUNTIMES`; None: the one that is there.
        Raises `EnvironmentFailed`.
        """
        self.make()
        installed, wanted = self._recorded("extras"), set(extras)
        if self._recorded("digest") != [self._digest()]:
            self._install_project(wanted.union(installed))
        elif missing := wanted.difference(installed):
            self._install_extras(missing, installed)
        self._keep_one_runtime(device)

    def installed_runtimes(self) -> set[str]:
        folders = [
            *self.folder.glob("lib/python*/site-packages/onnxruntime*.dist-info"),
            *self.folder.glob("Lib/site-packages/onnxruntime*.dist-info"),
        ]
        return {folder.name.split("-")[0].replace("_", "-") for folder in folders}

    def make(self) -> None:
        """A virtual environment with pip in it is there. Raises `EnvironmentFailed`."""
        if not self._works():
            self._make()

    def _works(self) -> bool:
        if not self.python.exists():
            return False
        return subprocess.run([self.python, "-c", _USABLE], capture_output=True).returncode == 0

    def _make(self) -> None:
        """Debian's Python has no `ensurepip` without its package python3-venv."""
        if importlib.util.find_spec("ensurepip"):
            run(sys.executable, "-m", "venv", "--clear", self.folder)
        elif importlib.util.find_spec("pip"):
            run(sys.executable, "-m", "venv", "--clear", "--without-pip", self.folder)
            run(sys.executable, "-m", "pip", "--python", self.python, "install", "-q", "pip")
        else:
            raise EnvironmentFailed(
                "This Python has neither ensurepip nor pip. On Debian and Ubuntu: "
                "apt install python3-venv. Elsewhere: install Python from python.org."
            )

    def _install_project(self, extras: Collection[str]) -> None:
        self._stamp.unlink(missing_ok=True)
        names = f"[{','.join(sorted(extras))}]" if extras else ""
        self.pip("install", "-c", self.root / LOCK, "-e", f"{self.root}{names}")
        self._record(extras)

    def _install_extras(self, missing: Iterable[str], installed: Iterable[str]) -> None:
        """These alone: pip would take seconds to find out that nothing else has changed."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))["project"]
        requirements = [part for name in missing for part in project["optional-dependencies"][name]]
        self.pip("install", "-c", self.root / LOCK, *requirements)
        self._record([*installed, *missing])

    def _keep_one_runtime(self, device: str | None) -> None:
        """Leave exactly one: two overwrite each other's files and break without a word."""
        present = self.installed_runtimes()
        wanted = RUNTIMES[device] if device else chosen_runtime(present)
        if present == {wanted}:
            return
        self.pip("uninstall", "-y", *sorted(present))
        self.pip("install", "--no-deps", "-c", self.root / LOCK, wanted)

    def pip(self, command: str, *arguments: str | Path) -> None:
        """Raises `EnvironmentFailed`. Byte code is left to the first import: most is never used."""
        quick = ["--no-compile", "--no-input"] if command == "install" else []
        run(
            self.python,
            "-m",
            "pip",
            "--disable-pip-version-check",
            command,
            "-q",
            *quick,
            *arguments,
        )

    @property
    def _stamp(self) -> Path:
        return self.folder / "installed.json"

    def _record(self, extras: Iterable[str]) -> None:
        record = {"digest": [self._digest()], "extras": sorted(extras)}
        self._stamp.write_text(json.dumps(record), "utf-8")

    def _recorded(self, name: str) -> list[str]:
        try:
            return list(json.loads(self._stamp.read_text("utf-8"))[name])
        except (OSError, ValueError, KeyError):
            return []

    def _digest(self) -> str:
        """Changes with the lock, the project's dependencies and the place of the checkout."""
        content = [(self.root / name).read_bytes() for name in (LOCK, "pyproject.toml")]
        return hashlib.sha256(b"\0".join([*content, os.fsencode(self.root)])).hexdigest()


def chosen_runtime(present: Iterable[str]) -> str:
    """Which of several to keep: InsightFace pulls in the plain one, so another was asked for."""
    return max(present, key=lambda name: (name != RUNTIMES["cpu"], name), default=RUNTIMES["cpu"])


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """The command's stdout. Raises `EnvironmentFailed` with the end of what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=env)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).splitlines()[-_OUTPUT_LINES:]
        raise EnvironmentFailed("\n".join([" ".join(map(str, command)), *said]))
    return done.stdout
