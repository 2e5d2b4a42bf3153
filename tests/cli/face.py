"""The command `face` as a user runs it: two streams and a status."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from service.cli.app import app
from service.cli.exit_status import exit_status

MASTER_KEY = "A" * 43 + "="
"""32 zero bytes."""

SECONDS = 240
"""How long any command may take before its test fails."""

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


def call(*arguments: object) -> Outcome:
    """Here and now, which is fast; errors come as they are raised."""
    texts = [str(argument) for argument in arguments]
    result = CliRunner().invoke(app, texts, catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


class Face:
    """Runs `face` with settings of its own, in a folder of its own.

    In this process, which starts at once, except where `own_process`: an embedded database lives as
    long as the process that started it, and a server keeps what it sets up.
    """

    def __init__(self, folder: Path, *, own_process: bool = False, **settings: object) -> None:
        self.folder = folder
        self._own_process = own_process
        self._settings = settings

    def but(self, **settings: object) -> Face:
        """The same with other settings; None: the setting is not made."""
        given = {**self._settings, **settings}
        return Face(self.folder, own_process=self._own_process, **given)

    def in_own_process(self) -> Face:
        return Face(self.folder, own_process=True, **self._settings)

    def __call__(self, *arguments: object, **environment: str) -> Outcome:
        if not self._own_process and "server" not in arguments:
            return self._call_here([str(argument) for argument in arguments], environment)
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=SECONDS)
        return Outcome(process.returncode, out.decode(), err.decode())

    def _call_here(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Outcome:
        absent = {name: None for name in os.environ if name.upper().startswith("FACE_")}
        variables = {**absent, **self.environment(), **environment}
        with (
            contextlib.chdir(self.folder),
            CliRunner().isolation(env=variables) as (out, err, _),
        ):
            status = exit_status(lambda: app(arguments, standalone_mode=False), arguments)
            sys.stdout.flush()
            sys.stderr.flush()
            return Outcome(status, out.getvalue().decode(), err.getvalue().decode())

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "service", *(str(argument) for argument in arguments)],
            cwd=self.folder,
            env={**self.environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def environment(self) -> Mapping[str, str]:
        """Nothing of the developer's own settings; the package found from any folder."""
        inherited = {k: v for k, v in os.environ.items() if not k.upper().startswith("FACE_")}
        given = {
            f"FACE_{name.upper()}": str(value)
            for name, value in self._settings.items()
            if value is not None
        }
        return {**inherited, "PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1", **given}
