"""Generators of clients, each with its own packages: installed once, by their own lock files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.made_once import made_once
from tests.missing import missing
from tests.pages.node import installed_packages

HERE = Path(__file__).parent
SECONDS = 300


def python_of_the_generator() -> Path:
    """Of a virtual environment with openapi-python-client: it does not go with the service's own packages."""
    folder = HERE / ".venv"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    lock = (HERE / "requirements.txt").read_bytes()
    made_once(folder / ".installed", lock, HERE / ".installing", lambda: _install(folder, python))
    return python


def _install(folder: Path, python: Path) -> None:
    venv.create(folder, clear=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command = [*pip, "-r", str(HERE / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        missing(f"pip install: {done.stderr[-500:]}")


def python_client(document: Path, folder: Path) -> None:
    """Makes the package `generated_client` in `folder`. A warning of the generator is an error."""
    config = folder / "generator.yaml"
    config.write_text("post_hooks: []\n")  # it would only format what it wrote
    command = ["-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    places = ["--path", document, "--output-path", folder / "generated_client", "--config", config]
    run([python_of_the_generator(), *command, *places])


def typescript_client(document: Path, folder: Path) -> None:
    """Makes the types `face.d.ts` in `folder`, beside the program over them, which has to fit them."""
    packages = installed_packages(HERE)
    (folder / "node_modules").symlink_to(packages)
    for name in ("package.json", "tsconfig.json", "typescript_calls.js"):
        shutil.copy(HERE / name, folder)
    node = shutil.which("node") or "node"
    generator = packages / "openapi-typescript" / "bin" / "cli.js"
    run([node, generator, document, "--output", folder / "face.d.ts"])
    run([node, packages / "typescript" / "bin" / "tsc", "-p", folder])


def run(
    command: Sequence[object],
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> str:
    """What it prints; its failure is the test's."""
    done = subprocess.run(
        [str(each) for each in command],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
