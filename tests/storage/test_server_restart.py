"""How often a server that keeps dying is started again."""

from __future__ import annotations

import logging
from typing import cast

import pytest

from service.storage.embedded_server import RESTARTS, WITHIN_SECONDS, EmbeddedServer, ServerRestart


class DeadServer:
    """An embedded server that is dead whenever somebody looks, or only until it is restarted."""

    def __init__(self, *, dies: bool = True) -> None:
        self.runs = False
        self.starts = 0
        self._dies = dies

    def restart(self) -> bool:
        self.starts += 1
        self.runs = not self._dies
        return True


class StandInClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def restart_of(server: DeadServer, timer: StandInClock) -> ServerRestart:
    return ServerRestart(cast("EmbeddedServer", server), timer)


def test_running_server_is_left_alone() -> None:
    server = DeadServer()
    server.runs = True
    restart_of(server, StandInClock())()
    assert server.starts == 0


def test_dead_server_is_started_once() -> None:
    server = DeadServer(dies=False)
    look = restart_of(server, StandInClock())
    for _ in range(10):
        look()
    assert server.starts == 1


def test_server_that_keeps_dying_is_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, timer = DeadServer(), StandInClock()
    look = restart_of(server, timer)
    with caplog.at_level(logging.ERROR, "service.storage.embedded_server"):
        for second in range(100):
            timer.now = second
            look()
    assert server.starts == RESTARTS
    assert len(caplog.records) == 1
    timer.now = WITHIN_SECONDS + RESTARTS
    for _ in range(100):
        look()
    assert server.starts == 2 * RESTARTS
