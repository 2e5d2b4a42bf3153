"""Programs that use the clients in clients/, as commands, built where they need to be."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from scripts.environment import ROOT
from tests.generated.generators import run
from tests.made_once import made_once
from tests.missing import program
from tests.pages.node import installed_packages

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

    def compile_all() -> None:
        for project in (client, client / "tests"):
            run(["node", compiler, "--project", project], seconds=BUILD_SECONDS)

    build.mkdir(exist_ok=True)
    made_once(build / ".built", sha256(sources).digest(), build / ".building", compile_all)
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
    run([_installed("mcs"), *strict, *options, *files], seconds=BUILD_SECONDS)
    return str(target)


def _installed(name: str) -> str:
    return program(name, needed_by="tests of the client for C# (apt install mono-mcs)")
