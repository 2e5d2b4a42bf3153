"""The shell commands that README and docs print, and which of them are not run by a test.

A block is a fence of `console`, `sh` or `bash`, or indented lines that begin with a program. A comment
in the line before it, `<!-- not run: REASON -->`, says that no test here runs it, and why.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.environment import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

PROGRAMS = [
    "face",
    "python",
    "python3",
    "pip",
    "docker",
    "curl",
    "psql",
    "chmod",
    "mkdir",
    "head",
    "openssl",
    "git",
    ".",
    "export",
]
SHELLS = ("console", "sh", "bash", "shell")

_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )*face [^`]+)`")
_COMMENT = re.compile(r"\s+# .*$")


@dataclass(frozen=True)
class Block:
    """`commands`: without prompt, comment and answers, continued lines joined."""

    page: str
    line: int
    commands: tuple[str, ...]
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    """`README.md`, `docs/keys.md`."""
    return page.relative_to(ROOT).as_posix()


def is_korean(name: str) -> bool:
    """Whether it is the Korean version of another page, which prints the same commands."""
    return name.endswith(".ko.md")


def blocks(page: Path) -> list[Block]:
    """Of one page, in order."""
    lines = page.read_text("utf-8").splitlines()
    found = []
    for first, inside in (*_fenced(lines), *_indented(lines)):
        if commands := tuple(_commands(inside)):
            found.append(Block(name_of(page), first + 1, commands, _reason(lines, first)))
    return sorted(found, key=lambda block: block.line)


def inline_commands(page: Path) -> list[str]:
    """What stands between backticks in a sentence and begins with `face `."""
    return [found.replace("\\|", "|") for found in _INLINE.findall(page.read_text("utf-8"))]


def words_of(command: str) -> list[str]:
    """Of its first `face`, up to a pipe or a redirection; empty where there is none."""
    words = shlex.split(command.replace("…", "..."), comments=False)
    if "face" not in words:
        return []
    after = words[words.index("face") + 1 :]
    end = next((at for at, word in enumerate(after) if word in {"|", ">", ">>", "&&", "<"}), None)
    return after[:end]


def _fenced(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Index of the opening fence, and what it holds."""
    opened: int | None = None
    for at, line in enumerate(lines):
        if opened is None and line.startswith("```") and line != "```":
            opened = at
        elif line == "```" and opened is not None:
            if lines[opened][3:].strip() in SHELLS:
                yield opened, lines[opened + 1 : at]
            opened = None


def _indented(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines with four spaces that begin with a program; not continued lists."""
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and lines[end].startswith("    "):
            end += 1
        if end > at and (at == 0 or not lines[at - 1].strip() or _NOT_RUN.match(lines[at - 1])):
            inside = [line[4:] for line in lines[at:end]]
            if _program(inside[0]) in PROGRAMS:
                yield at, inside
        at = end + 1


def _program(line: str) -> str:
    words = line.removeprefix("$ ").split()
    return next((word for word in words if not _ASSIGNMENT.fullmatch(word)), "")


def _commands(inside: list[str]) -> Iterator[str]:
    prompted = any(line.startswith("$ ") for line in inside)
    joined = "\n".join(inside).replace("\\\n", " ").splitlines()
    for line in joined:
        if line.startswith("$ ") or (line.strip() and not prompted):
            yield _COMMENT.sub("", line.removeprefix("$ ")).strip()


def _reason(lines: list[str], first: int) -> str | None:
    """Of the nearest line above that is not empty."""
    above = next((line for line in reversed(lines[:first]) if line.strip()), "")
    marked = _NOT_RUN.search(above)
    return marked[1] if marked else None
