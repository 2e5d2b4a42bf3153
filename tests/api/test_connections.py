"""Who is cut off, and when; and whose place a newcomer takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from service.api.connections import SLOWEST, Connection, Connections, Why
from service.api.settings import ConnectionLimits
from service.telemetry.metrics import CONNECTIONS_ENDED_FOR, Metrics

SECONDS = 20.0


class StandInTransport:
    """A transport whose other end does what the test says. `unsent`: bytes that it has not read."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        self.address = address
        self.unsent = 0
        self.is_cut_off = False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, name: str) -> Any:
        return (self.address, 50_000) if name == "peername" else None

    def abort(self) -> None:
        self.is_cut_off = True


def transport(wire: StandInTransport) -> asyncio.Transport:
    return cast("asyncio.Transport", wire)


def connection(wire: StandInTransport | None = None) -> Connection:
    made = Connection(transport(wire or StandInTransport()), "192.0.2.1", SECONDS)
    made.waits_for_head()
    return made


def after(seconds: float) -> float:
    return time.monotonic() + seconds


def test_head_has_its_time_and_no_more() -> None:
    one = connection()
    assert one.late_for(after(SECONDS - 1)) is None
    assert one.late_for(after(SECONDS)) is Why.HEAD


def test_call_at_work_is_late_for_nothing() -> None:
    one = connection()
    one.call_begins()
    assert one.late_for(after(3600)) is None
    one.call_ends()
    assert one.late_for(after(SECONDS)) is Why.HEAD


def test_pause_in_a_body_has_an_end() -> None:
    one = connection()
    one.call_begins()
    one.waits_for_body()
    assert one.late_for(after(SECONDS - 1)) is None
    assert one.late_for(after(SECONDS)) is Why.BODY
    one.got_body(1)
    assert one.late_for(after(SECONDS)) is None


def test_body_that_keeps_up_has_more_time() -> None:
    one = connection()
    one.call_begins()
    one.got_body(int(100 * SLOWEST))
    one.waits_for_body()
    assert one.late_for(after(SECONDS - 1)) is None


def reads(one: Connection, wire: StandInTransport, pieces: int, size: int) -> Why | None:
    """What it is late for, if anything, when it takes a piece of this size every second."""
    start = after(0)
    for second in range(pieces):
        if why := one.late_for(start + second):
            return why
        wire.unsent -= size
    return None


@pytest.mark.parametrize(
    ("size", "late_for"), [(0, Why.ANSWER), (SLOWEST // 4, Why.ANSWER), (SLOWEST, None)]
)
def test_reader_keeps_up_or_is_late(size: int, late_for: Why | None) -> None:
    wire = StandInTransport()
    one = connection(wire)
    one.call_begins()
    wire.unsent = 200 * SLOWEST
    assert reads(one, wire, 60, size) is late_for


def test_next_answer_is_not_charged_with_the_one_before() -> None:
    wire = StandInTransport()
    one = connection(wire)
    one.call_begins()
    for minute in range(5):
        wire.unsent = SLOWEST
        assert one.late_for(after(60.0 * minute)) is None
        wire.unsent = 0
        assert one.late_for(after(60.0 * minute + 1)) is None


def with_connections(
    then: Callable[[Connections, Callable[..., tuple[StandInTransport, Connection | None]]], None],
    most: int,
) -> None:
    async def run() -> None:
        connections = Connections(ConnectionLimits(most, SECONDS), Metrics())

        def opens(address: str = "192.0.2.1") -> tuple[StandInTransport, Connection | None]:
            wire = StandInTransport(address)
            return wire, connections.opens(transport(wire))

        then(connections, opens)

    asyncio.run(run())


def test_newcomer_takes_the_place_of_the_longest_silent_one() -> None:
    def then(connections: Connections, opens: Any) -> None:
        wires = [opens(f"192.0.2.{number}")[0] for number in range(5)]
        assert [wire.is_cut_off for wire in wires] == [True, False, False, False, False]
        assert len(connections) == 4

    with_connections(then, most=4)


def test_call_at_work_keeps_its_place() -> None:
    def then(connections: Connections, opens: Any) -> None:
        (busy, at_work), (silent, _) = opens("192.0.2.1"), opens("192.0.2.2")
        connections.call_begins(at_work)
        newcomer, _ = opens("192.0.2.3")
        assert (busy.is_cut_off, silent.is_cut_off, newcomer.is_cut_off) == (False, True, False)

    with_connections(then, most=2)


def test_newcomer_is_refused_where_all_are_at_work() -> None:
    def then(connections: Connections, opens: Any) -> None:
        for number in range(2):
            connections.call_begins(opens(f"192.0.2.{number}")[1])
        newcomer, refused = opens("192.0.2.3")
        assert refused is None
        assert newcomer.is_cut_off
        assert len(connections) == 2

    with_connections(then, most=2)


def test_address_beyond_its_share_pays_with_its_own() -> None:
    def then(connections: Connections, opens: Any) -> None:
        other, _ = opens("198.51.100.1")
        mine = [opens("2001:db8::" + str(number))[0] for number in range(4)]
        assert not other.is_cut_off
        assert [wire.is_cut_off for wire in mine] == [True, False, False, False]
        assert len(connections) == 4

    with_connections(then, most=4)


def test_connection_that_is_gone_makes_room() -> None:
    def then(connections: Connections, opens: Any) -> None:
        for _ in range(10):
            _, one = opens()
            connections.closes(one)
            connections.closes(one)  # TLS tells it twice
        assert len(connections) == 0
        assert not opens()[0].is_cut_off

    with_connections(then, most=2)


def test_metrics_know_every_reason() -> None:
    assert set(CONNECTIONS_ENDED_FOR) == set(Why)
