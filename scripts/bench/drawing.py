"""Axes to draw in, kept as an SVG: what is ours is bold, colored and above its gray peers.

Letters are those of whoever looks (`svg.fonttype`): no font with Hangul is needed here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from scripts.bench.korean import korean

Say: TypeAlias = Callable[[str], str]
Side: TypeAlias = Literal["left", "center", "right"]

LANGUAGES: Mapping[str, Say] = {"": str, ".ko": korean}
"""What a file's name has before its end, and how to say a text."""

OURS = ("#0a58ca", "#0b7285")
"""One color for each line of ours."""
PEERS, INK, GRID = "#6e7781", "#1f2328", "#d8dee4"
PAPER = "white"
"""Not transparent: the page below may be dark."""

_INCHES = (7.6, 4.4)
_STYLE = {
    "svg.fonttype": "none",
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.w_pad": 0.12,
    "svg.hashsalt": "face",  # else the names within a file are other ones each time
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": PEERS,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
}
ABOVE = 5
"""All peers are drawn at 2."""
_APART = 15.0
"""Points between the labels of two lines, at least."""

THOUSANDS = FuncFormatter(lambda number, _: f"{number:,.10g}")


def plot_file(name: str, language: str = "") -> str:
    return f"{name}{language}.svg"


@contextmanager
def drawn(
    file: Path, title: str, subtitle: str, inches: tuple[float, float] = _INCHES
) -> Iterator[tuple[Drawing, Axes]]:
    """Axes to draw in, and the whole, which is then kept in `file`."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        # DejaVu, by which room is reckoned, has no Hangul; whoever looks has a font that does
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawing = Drawing(figsize=inches, layout="constrained", facecolor=PAPER)
        axes = drawing.add_subplot()
        axes.set_title(f"{title}\n", fontsize=13)
        axes.text(0, 1.03, subtitle, transform=axes.transAxes, color=PEERS)
        axes.grid(visible=True, color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        yield drawing, axes
        drawing.savefig(file, metadata={"Date": None, "Creator": None})


def write(
    axes: Axes,
    at: tuple[float, float],
    text: str,
    of: Line2D,
    offset: tuple[float, float],
    side: Side = "left",
) -> None:
    """One line of text, which begins or ends (`side`) `offset` points from `at` and looks as the line
    that it is about.
    """
    axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        ha=side,
        va="center",
        color=of.get_color(),
        fontweight="bold" if of.get_zorder() == ABOVE else "normal",
        annotation_clip=False,
        zorder=ABOVE + 1,
    )


def spread(heights: list[float], apart: float = _APART) -> list[float]:
    """Ascending `heights`, moved as little as keeps each `apart` from the next."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _top(groups[-2], apart) + apart > _bottom(groups[-1], apart):
            last = groups.pop()
            groups[-1] += last
    return [
        _bottom(group, apart) + place * apart for group in groups for place in range(len(group))
    ]


def _bottom(group: list[float], apart: float) -> float:
    """Of evenly spaced labels around the middle of where they belong."""
    return sum(group) / len(group) - (len(group) - 1) * apart / 2


def _top(group: list[float], apart: float) -> float:
    return _bottom(group, apart) + (len(group) - 1) * apart
