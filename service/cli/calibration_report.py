"""The report of `face calibrate`: its tables, and plots, and no face."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

from service.cli.calibration_tables import sections
from service.cli.context import percent
from service.cli.report import table
from service.domain.error_rates import CONFIDENCE, RULE_OF_THREE
from service.domain.errors import ExtraMissing
from service.domain.performance import SizeRates
from service.texts import Language, text
from service.usecases.calibrate import CalibrationReport

EXTRA = "report"

COLORS: Mapping[int, str] = {1: "#0b6e99", 3: "#c2410c", 5: "#3f6212"}
"""By the photographs in a template; told apart by whoever sees no red, and in grey."""

TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)

SHOWN_TO = 0.6
"""Share up to which the curve is drawn: beyond, nobody sets a threshold."""

MOST_POINTS = 1000

Shares = NDArray[np.float64]


def require_plots() -> None:
    """Raises `ExtraMissing`."""
    if find_spec("matplotlib") is None:
        raise ExtraMissing(extra=EXTRA)


def content(report: CalibrationReport, language: Language) -> str:
    """Its tables and plots, as HTML."""
    summary, *rest = map(table, sections(report, language))
    return "\n".join((summary, _figure(report, language), *rest))


def _figure(report: CalibrationReport, language: Language) -> str:
    head = escape(text(language, "calibration.det"))
    note = escape(text(language, "calibration.det_note"))
    caption = f"<figcaption>{note}</figcaption>"
    return f'<h2>{head}</h2>\n<figure id="plots">\n{_plots(report.sizes)}\n{caption}\n</figure>'


def _plots(sizes: Sequence[SizeRates]) -> str:
    """Two plots beside each other, as SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for size in sizes:
        _draw_det(left, size)
        _draw_rates(right, size)
    _label_det(left)
    _label_rates(right, sizes[0])
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _draw_det(axes: Any, size: SizeRates) -> None:  # noqa: ANN401 - matplotlib's
    counts = size.counts
    false_match = counts.non_mated / counts.non_mated_trials
    missed = counts.mated_trials - counts.mated
    shown = (false_match > 0) & (false_match < SHOWN_TO) & _each_nth(len(false_match))
    x = ndtri(false_match[shown])
    low, high = _bounds(missed[shown], counts.mated_trials)
    color, least = COLORS[size.size], 0.5 / counts.mated_trials
    y = ndtri(np.clip(missed[shown] / counts.mated_trials, least, 1 - least))
    axes.plot(x, y, color=color, linewidth=2, label=f"{size.size}", gid=f"det-{size.size}")
    axes.fill_between(x, ndtri(np.maximum(low, least)), ndtri(high), color=color, alpha=0.15)
    axes.axvline(ndtri(RULE_OF_THREE / counts.non_mated_trials), color=color, linestyle=":")
    for rates in size.profiles.values():
        match, miss = rates.false_match.value or 0.0, rates.false_non_match.value or 0.0
        if match > 0:
            axes.plot(ndtri(match), ndtri(max(miss, least)), "o", color=color)


def _each_nth(steps: int) -> NDArray[np.bool_]:
    """More than a thousand points make the file large and the curve no better."""
    chosen: NDArray[np.bool_] = np.arange(steps) % max(1, steps // MOST_POINTS) == 0
    return chosen


def _bounds(errors: NDArray[np.int64], trials: int) -> tuple[Shares, Shares]:
    low = betaincinv(np.maximum(errors, 1e-9), trials - errors + 1.0, 1 - CONFIDENCE)
    high = betaincinv(errors + 1.0, np.maximum(trials - errors, 1e-9), CONFIDENCE)
    return low, np.minimum(high, 1 - 1e-6)


def _label_det(axes: Any) -> None:  # noqa: ANN401 - matplotlib's
    ticks = [ndtri(each) for each in TICKS]
    names = [percent(each) for each in TICKS]
    axes.set_xticks(ticks, names, rotation=45)
    axes.set_yticks(ticks, names)
    axes.set(xlabel="FMR", ylabel="FNMR")
    axes.grid(alpha=0.3)
    axes.legend()


def _draw_rates(axes: Any, size: SizeRates) -> None:  # noqa: ANN401 - matplotlib's
    """Each error by the threshold."""
    counts, color = size.counts, COLORS[size.size]
    false_match = counts.non_mated / counts.non_mated_trials
    missed = 1 - counts.mated / counts.mated_trials
    some = _each_nth(len(missed))
    at = counts.thresholds[some]
    axes.plot(at, false_match[some], color=color, label=f"FMR {size.size}")
    axes.plot(at, missed[some], "--", color=color, label=f"FNMR {size.size}")


def _label_rates(axes: Any, size: SizeRates) -> None:  # noqa: ANN401 - matplotlib's
    axes.set_yscale("log")
    axes.set_ylim(0.5 / size.counts.non_mated_trials, 1)
    axes.set_xlim(0, 1)
    axes.set(xlabel="cosine")
    for rates in size.profiles.values():
        axes.axvline(rates.threshold, color="#777777", linewidth=0.8)
    axes.grid(alpha=0.3)
    axes.legend()
