"""Puts the tables and the plots of a full run between the markers of docs/bench/README.md, and what
decides a reader between those of README.md and README.ko.md.

python -m scripts.bench.readme
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.bench.drawing import Say, plot_file
from scripts.bench.figures import Part, Report
from scripts.bench.headline import BY_README, headline
from scripts.bench.korean import korean
from scripts.bench.plots import plots_of
from scripts.bench.table import bars_table, other_tables
from scripts.environment import ROOT
from scripts.markers import put_between_markers

MARKERS = "bench"
FOLDER = ROOT / "docs" / "bench"
FIGURES = "figures.json"
PAGE = "README.md"


class SmallRun(Exception):
    """Figures of a small run say nothing about speed, and are shown to nobody."""


def results(report: Report) -> str:
    """What has a bar, the machine and the plots; then each benchmark's other figures and its
    conditions, as Markdown for a page in the folder of the plots. Raises `SmallRun`.
    """
    if any(part.machine.small for part in report.parts.values()):
        raise SmallRun
    others = [line for name, part in report.parts.items() for line in _section(report, name, part)]
    return "\n".join([bars_table(report), "", *_machines(report), "", *_pictures(report), *others])


def write_results(folder: Path = FOLDER) -> None:
    """Shows the figures of `folder` on its page. Raises `NoMarkers`, `SmallRun`."""
    page = folder / PAGE
    _put(page, results(Report.read(folder / FIGURES)))


def write_headlines(folder: Path = FOLDER, root: Path = ROOT) -> None:
    """Tells what decides a reader in the READMEs of `root`. Raises `NoMarkers`."""
    report = Report.read(folder / FIGURES)
    for name, words in BY_README.items():
        _put(root / name, headline(report, words))


def _put(page: Path, text: str) -> None:
    page.write_text(put_between_markers(page.read_text("utf-8"), MARKERS, text), "utf-8")


def _pictures(report: Report) -> Iterator[str]:
    """Each plot; and folded, each with the texts of another language."""
    yield from _plots(report, "", str)
    yield from ("", "<details><summary>한국어 그림</summary>", "")
    yield from _plots(report, ".ko", korean)
    yield from ("", "</details>")


def _plots(report: Report, language: str, say: Say) -> Iterator[str]:
    for plot in plots_of(report):
        yield f"![{say(plot.title)}]({plot_file(plot.name, language)})"


def _machines(report: Report) -> Iterator[str]:
    """A line for each run: on what, when, and how long its parts took."""
    runs: dict[str, list[str]] = {}
    for name, part in report.parts.items():
        runs.setdefault(str(part.machine), []).append(f"{name}{_minutes(part)}")
    for machine, parts in runs.items():
        yield f"- {machine}: {', '.join(parts)}"


def _minutes(part: Part) -> str:
    return "" if part.seconds is None else f" {part.seconds / 60:.1f} min"


def _section(report: Report, name: str, part: Part) -> Iterator[str]:
    tables, notes = other_tables(part.measured.figures), part.measured.notes
    if not tables and not notes:
        return
    yield from ("", f"### {name}")
    if report.is_apart(part):
        yield from ("", f"Of another run: {part.machine}.")
    for table in tables:
        yield from ("", table)
    yield from ["", *(f"- {note}" for note in notes)] if notes else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where figures and plots are")
    folder = parser.parse_args().folder
    write_results(folder)
    if folder == FOLDER:
        write_headlines()
    return 0


if __name__ == "__main__":
    sys.exit(main())
