"""Puts the table and the plots of a full run between the markers of Markdown files.

python -m scripts.bench.readme README.md README.ko.md docs/bench/README.md
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from scripts.bench.figures import Report
from scripts.bench.plots import curves_of, plot_file
from scripts.bench.table import Language, markdown_table
from scripts.environment import ROOT

START, END = "<!-- bench:start -->", "<!-- bench:end -->"
FOLDER = ROOT / "docs" / "bench"
FIGURES = "figures.json"
WHOLE = FOLDER / "README.md"
"""The page with every figure; others show those that have a bar, and link to it."""


class NoMarkers(Exception):
    """The file has no place for the results."""


class SmallRun(Exception):
    """Figures of a small run say nothing about speed, and are shown to nobody."""


def results(report: Report, file: Path, folder: Path = FOLDER) -> str:
    """Table, machine and plots as Markdown, for `file`: links are relative to it.

    Raises `SmallRun`.
    """
    if any(part.machine.small for part in report.parts.values()):
        raise SmallRun
    whole = file.resolve() == WHOLE
    table = markdown_table(report, _language_of(file), with_bar_only=not whole)
    plots = [f"![{c.title}]({_link(folder / plot_file(c), file)})" for c in curves_of(report)]
    conditions = _conditions(report) if whole else []
    return "\n".join([table, "", *_machines(report), "", *conditions, *plots])


def with_results(text: str, shown: str) -> str:
    """`text` with `shown` between the markers. Raises `NoMarkers`."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise NoMarkers
    return f"{before}{START}\n{shown}\n{END}{after}"


def write_results(report: Report, file: Path, folder: Path = FOLDER) -> None:
    """Raises `NoMarkers`, `SmallRun`."""
    shown = results(report, file, folder)
    file.write_text(with_results(file.read_text("utf-8"), shown), "utf-8")


def _language_of(file: Path) -> Language:
    return "ko" if file.stem.endswith(".ko") else "en"


def _link(target: Path, file: Path) -> str:
    return Path(os.path.relpath(target, file.resolve().parent)).as_posix()


def _machines(report: Report) -> list[str]:
    """One line for each machine and day that parts were measured on."""
    lines = dict.fromkeys(
        f"{m.processor}, {m.cores} × CPU, {m.memory_gib:g} GiB, Python {m.versions['python']}, "
        f"onnxruntime {m.versions['onnxruntime']}, {m.date:%Y-%m-%d}"
        for m in (part.machine for part in report.parts.values())
    )
    return [f"{line}  " for line in lines]


def _conditions(report: Report) -> list[str]:
    notes = [
        f"- {name}: {note}" for name, part in report.parts.items() for note in part.measured.notes
    ]
    return [*notes, ""]


def main() -> int:
    parser = argparse.ArgumentParser(description="Show the figures of a full run in these files.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where figures and plots are")
    options = parser.parse_args()
    report = Report.read(options.folder / FIGURES)
    for file in options.files:
        write_results(report, file, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
