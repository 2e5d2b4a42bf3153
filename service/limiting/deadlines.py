"""Moments that names wait for."""

from __future__ import annotations

import time

NAMES_KEPT = 10_000
"""Then all are forgotten, and noted again as they come: strangers choose how many there are."""


class Deadlines:
    """Safe to share between threads: each step is one of a dictionary's own."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, name: str, seconds: float) -> None:
        if len(self._until) >= NAMES_KEPT:
            self._until.clear()
        self._until[name] = time.monotonic() + seconds

    def seconds_left(self, name: str) -> float:
        """0 where it waits for nothing."""
        return max(0.0, self._until.get(name, 0.0) - time.monotonic())
