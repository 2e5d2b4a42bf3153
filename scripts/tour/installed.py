"""The service as it is installed in `.venv`: its commands and its settings."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.environment import Environment, run

_QUESTIONS = Path(__file__).with_name("ask_service.py")


@dataclass(frozen=True, slots=True)
class Settings:
    """`model`: the one that the user configured; None: none. `own_key`: the service keeps its own."""

    data_dir: Path
    port: int
    model: str | None
    embedded: bool
    own_key: bool


@dataclass(frozen=True, slots=True)
class Installed:
    """`overrides`: settings of this run on top of the user's environment."""

    environment: Environment
    overrides: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "PYTHONUTF8": "1", **self.overrides}

    @property
    def _face(self) -> Path:
        """Not `python -m service`: that would import whatever lies in the current folder."""
        return self.environment.program("face")

    def face(self, *arguments: str) -> str:
        """stdout of a `face` command. Raises `EnvironmentFailed`."""
        return run(self._face, *arguments, env=self.variables)

    def serve(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start `face server` in a process group of its own: Ctrl-C is for the quickstart to handle."""
        command = [str(self._face), "server", *arguments]
        windows = os.name == "nt"
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=not windows,
                creationflags=flags,
            )

    def settings(self) -> Settings:
        answer = self.ask("settings")
        return Settings(**{**answer, "data_dir": Path(answer["data_dir"])})

    def ask(self, *question: str) -> dict[str, Any]:
        """Raises `EnvironmentFailed`."""
        said = run(self.environment.python, _QUESTIONS, *question, env=self.variables)
        answer: dict[str, Any] = json.loads(said.splitlines()[-1])
        return answer
