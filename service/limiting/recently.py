"""Names that were noted a moment ago."""

from __future__ import annotations

import time

NAMES_KEPT = 10_000
"""Then all are forgotten, and noted again as they come: strangers choose how many there are."""


class Recently:
    """Safe to share between threads: each step is one of a dictionary's own.

    `seconds`: how long a name counts as noted.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def note(self, name: str) -> None:
        if len(self._until) >= NAMES_KEPT:
            self._until.clear()
        self._until[name] = time.monotonic() + self._seconds

    def forget(self, name: str) -> None:
        self._until.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return self._until.get(name, 0.0) > time.monotonic()
