"""A PNG of each curve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter

from scripts.bench.figures import Curve, Report

_INCHES = (7.0, 4.8)
_DOTS_PER_INCH = 110


def curves_of(report: Report) -> Iterator[Curve]:
    for part in report.parts.values():
        yield from part.measured.curves


def plot_file(curve: Curve) -> str:
    return f"{curve.name}.png"


def draw_all(report: Report, folder: Path) -> list[Path]:
    """The files written. The same report gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_draw(curve, folder / plot_file(curve)) for curve in curves_of(report)]


def _draw(curve: Curve, file: Path) -> Path:
    drawing = Drawing(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    axes = drawing.add_subplot(xlabel=curve.x, ylabel=curve.y, title=curve.title)
    for name, points in curve.lines.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
    _scale(axes, curve)
    axes.grid(visible=True, alpha=0.3)
    drawing.legend(loc="outside lower center", ncols=2, fontsize="small")
    drawing.savefig(file, metadata={"Software": None})
    return file


def _scale(axes: Axes, curve: Curve) -> None:
    """From zero where an axis is linear: a curve must not look steeper than it is."""
    if curve.log_x:
        axes.set_xscale("log")
        ticks = sorted({x for points in curve.lines.values() for x, _ in points})
        axes.set_xticks(ticks, minor=False)
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    if curve.log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
