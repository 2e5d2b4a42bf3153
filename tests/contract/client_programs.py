"""Programs that use the clients in clients/, as commands, built where they need to be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fasteners import InterProcessLock

from scripts.environment import ROOT
from tests.pages.node import installed_packages, missing

CLIENTS = ("python", "typescript", "csharp")
FOLDER = ROOT / "clients"
PYTHON_PATH = FOLDER / "python"
BUILD_SECONDS = 120
NO_UNITY = ("-r:System.Net.Http.dll",)


@dataclass(frozen=True)
class Programs:
    """Of one client, as commands. `scenario`: what all clients go through. `source`: of the example."""

    scenario: list[str]
    example: list[str]
    source: Path


def programs(language: str, folder: Path) -> Programs:
    """`folder`: for what is built. Skips the test where a language is missing; in CI that is a failure."""
    built = {"python": _python, "typescript": _typescript, "csharp": _csharp}
    return built[language](folder)


def _python(folder: Path) -> Programs:
    scenario, example = PYTHON_PATH / "tests/scenario.py", PYTHON_PATH / "examples/enroll.py"
    return Programs([sys.executable, str(scenario)], [sys.executable, str(example)], example)


def _typescript(folder: Path) -> Programs:
    """Compiled into folders of the client's own, where its programs find it by its name."""
    client = FOLDER / "typescript"
    compiler = installed_packages(client) / "typescript" / "bin" / "tsc"
    build = client / "build"
    sources = b"".join(file.read_bytes() for file in sorted(_sources(client)))
    build.mkdir(exist_ok=True)
    with InterProcessLock(str(build / ".building")):  # tests run in two processes
        done = build / ".built"
        if not done.is_file() or done.read_bytes() != sha256(sources).digest():
            for project in (client, client / "tests"):
                _build(["node", str(compiler), "--project", str(project)])
            done.write_bytes(sha256(sources).digest())
    return Programs(
        ["node", str(build / "tests/scenario.js")],
        ["node", str(build / "examples/enroll.js")],
        client / "examples/enroll.ts",
    )


def _sources(client: Path) -> Iterator[Path]:
    yield from client.glob("*.json")
    for part in ("src", "examples", "tests"):
        yield from (client / part).iterdir()


def _csharp(folder: Path) -> Programs:
    """By Debian's mono, each with the client compiled in."""
    client, mono = FOLDER / "csharp", _installed("mono")
    example = client / "examples" / "Enroll.cs"
    return Programs(
        [mono, compile_csharp(folder / "scenario.exe", client / "tests" / "Scenario.cs")],
        [mono, compile_csharp(folder / "enroll.exe", example)],
        example,
    )


def compile_csharp(target: Path, *sources: Path, options: Sequence[str] = NO_UNITY) -> str:
    """`sources` and the client as one program, or as a library where the target is one. A warning is an error."""
    kind = "library" if target.suffix == ".dll" else "exe"
    strict = ["-langversion:7.2", "-warnaserror", "-nologo", f"-target:{kind}", f"-out:{target}"]
    files = [*sources, *sorted((FOLDER / "csharp" / "FaceClient").glob("*.cs"))]
    _build([_installed("mcs"), *strict, *options, *map(str, files)])
    return str(target)


def _installed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        missing(
            f"{program} is not installed: tests of the client for C# need it (apt install mono-mcs)"
        )
    return found


def _build(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
