"""Several callers at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from service.domain.errors import FaceError


def outcomes(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returned, or the `FaceError` it raised; all start together."""
    barrier = Barrier(len(calls))

    def outcome(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        except FaceError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as callers:
        return list(callers.map(outcome, calls))
