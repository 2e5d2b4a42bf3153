"""Which model to use, why, and under which license."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.tour.installed import Installed
from scripts.tour.table import StepFailed
from scripts.tour.words import Words

DLIB = "dlib"
"""The engine whose weights come from PyPI: an extra to install, not a pack to download."""

ORDER = ("buffalo_l", "sface", DLIB)
"""The contract's default, and what to take where it cannot be had: each with fewer origins to reach."""


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    reason: str
    license: str


def choose(installed: Installed, configured: str | None, words: Words) -> Choice:
    """The configured model, else the first of `ORDER` that can be had.

    A configured pack that cannot be had is never replaced by another: `StepFailed`.
    """
    if configured:
        problem = _problem(installed, configured)
        if problem is not None:
            raise StepFailed(f"{configured}: {problem}", words("advice_model"))
        return _choice(installed, configured, words("model_configured", name=configured), words)
    missed: list[str] = []
    for name in ORDER:
        problem = _problem(installed, name)
        if problem is None:
            return _choice(installed, name, _reason(name, missed, words), words)
        missed.append(f"{name}: {_cause(problem)}")
    raise StepFailed("; ".join(missed), words("advice_model"))


def _problem(installed: Installed, name: str) -> str | None:
    """Why it cannot be had; None: it is there."""
    if name == DLIB:
        installed.environment.ensure([DLIB])
        return None
    problem: str | None = installed.ask("model", name)["problem"]
    return problem


def _choice(installed: Installed, name: str, reason: str, words: Words) -> Choice:
    return Choice(name, reason, words(f"license_{installed.ask('license', name)['license']}"))


def _reason(name: str, missed: list[str], words: Words) -> str:
    if not missed:
        return words("model_default", name=name)
    return words("model_fallback", name=name, causes="; ".join(missed))


def _cause(problem: str) -> str:
    """The last part is what happened; the address before it fills the line."""
    return problem.rsplit("failed: ", 1)[-1].strip()
