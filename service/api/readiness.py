"""Whether this process can serve, told in time whatever else it does."""

from __future__ import annotations

import asyncio

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from service.usecases.readiness import CheckReadiness, Readiness

READY_SECONDS = 5.0
"""How long the database may take to answer before it counts as unavailable."""


class TimelyReadiness:
    """One look at a time, in a thread of its own; whoever asks meanwhile shares the answer."""

    def __init__(self, seconds: float = READY_SECONDS) -> None:
        self._seconds = seconds
        self._thread = CapacityLimiter(1)
        self._look: asyncio.Task[Readiness] | None = None

    async def of(self, check: CheckReadiness) -> Readiness:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(run_sync(check, limiter=self._thread))
        try:
            return await asyncio.wait_for(asyncio.shield(self._look), self._seconds)
        except TimeoutError:
            return check.without_database()
