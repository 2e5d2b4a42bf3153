"""Readiness is told in time, however long the database takes and however many ask."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

from service.api.background import TimelyReadiness
from service.usecases.readiness import CheckReadiness, Readiness

GIVEN = 30
READY = Readiness(None, "model", "CC0-1.0", [], [])
NOT_READY = Readiness("database_unavailable", "model", "CC0-1.0", [], [])


class SlowCheck:
    """Answers once it is let go; `looks`: how often it was asked."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.looks = 0

    def __call__(self) -> Readiness:
        self.looks += 1
        self.go.wait(GIVEN)
        return READY

    def without_database(self) -> Readiness:
        return NOT_READY


def test_database_that_does_not_answer_is_told_in_time() -> None:
    async def run() -> None:
        slow = SlowCheck()
        check, readiness = cast("CheckReadiness", slow), TimelyReadiness(seconds=0.1)
        answers = await asyncio.gather(*(readiness.of(check) for _ in range(100)))
        assert answers == [NOT_READY] * 100
        assert slow.looks <= 1  # where no thread could begin in time: none
        slow.go.set()
        while not (await readiness.of(check)).ready:
            await asyncio.sleep(0.01)

    asyncio.run(run())


def test_each_look_is_a_new_one() -> None:
    async def run() -> None:
        slow = SlowCheck()
        slow.go.set()
        check, readiness = cast("CheckReadiness", slow), TimelyReadiness()
        for _ in range(3):
            assert (await readiness.of(check)).ready
        assert slow.looks == 3

    asyncio.run(run())
