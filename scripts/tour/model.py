"""Which model pack to use, why, and under which license."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.tour.installed import Installed
from scripts.tour.table import StepFailed
from scripts.tour.words import Words

DEFAULT, FREE = "buffalo_l", "dlib"
"""The contract's default, and the engine without its license, whose weights come from PyPI."""


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    reason: str
    license: str


def choose(installed: Installed, configured: str | None, words: Words) -> Choice:
    """The configured model, else `buffalo_l`, else `dlib`.

    A configured pack that cannot be had is never replaced by another: `StepFailed`.
    """
    name = configured or DEFAULT
    if name == FREE:
        return _free(installed, words("model_configured", name=FREE), words)
    answer = installed.ask("model", name)
    if answer["problem"] is None:
        reason = words("model_configured" if configured else "model_default", name=name)
        return Choice(name, reason, answer["license"] or "")
    if configured:
        raise StepFailed(f"{name}: {answer['problem']}", words("advice_model"))
    return _free(installed, words("model_fallback", cause=_cause(answer["problem"])), words)


def _free(installed: Installed, reason: str, words: Words) -> Choice:
    installed.environment.ensure([FREE])
    return Choice(FREE, reason, words("license_dlib"))


def _cause(problem: str) -> str:
    """The last part is what happened; the address before it fills the line."""
    return problem.rsplit("failed: ", 1)[-1].strip()
