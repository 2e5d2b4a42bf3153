"""The chain binds every column of every record, and only its key can make it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import chain
from service.domain.audit import AuditEntry, AuditRecord
from service.domain.chain import EMPTY, GENESIS, AuditHead, SealedHead, encoded
from service.domain.collection import WrappedKey
from service.domain.integrity import Break, Checkpoint, Flaw, LogVerdict, check

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WRAPPED = WrappedKey(UUID(int=1), b"wrapped")
ENTRY = AuditEntry(UUID(int=1), NOW, "till", "enroll", "default", bytes(32), "done", "r-1")
LENGTH = 6


def keyed(content: bytes) -> bytes:
    return hmac.digest(b"key", content, "sha256")


def other_key(content: bytes) -> bytes:
    return hmac.digest(b"another", content, "sha256")


def log(length: int = LENGTH) -> tuple[SealedHead, list[AuditRecord]]:
    """A genuine log."""
    head = chain.begin(NOW, EMPTY.digest)
    records = []
    for number in range(length):
        record, head = chain.link(head, _entry(1 + number), keyed)
        records.append(record)
    return _sealed(head), records


def _entry(number: int) -> AuditEntry:
    return replace(ENTRY, audit_id=UUID(int=number))


def _sealed(head: AuditHead) -> SealedHead:
    return SealedHead(head, chain.seal(head, keyed), WRAPPED)


def broken(
    head: SealedHead | None, records: Sequence[AuditRecord], expected: Checkpoint | None = None
) -> Break | None:
    return check(head, iter(records), keyed, expected).broken


parts = st.lists(st.none() | st.binary(max_size=12), max_size=6)


@given(parts, parts)
def test_no_two_lists_of_parts_read_the_same(
    first: list[bytes | None], second: list[bytes | None]
) -> None:
    assert (encoded(*first) == encoded(*second)) is (first == second)


@given(st.lists(st.binary(max_size=12), min_size=2, max_size=6), st.integers(0, 12))
def test_a_boundary_that_moves_reads_differently(given_parts: list[bytes], by: int) -> None:
    first, second, *rest = given_parts
    joined = first + second
    moved = [joined[:by], joined[by:], *rest]
    assert (encoded(*moved) == encoded(*given_parts)) is (moved == given_parts)


CHANGES: dict[str, Any] = {
    "audit_id": UUID(int=2),
    "at": NOW + timedelta(microseconds=1),
    "caller": "tills",
    "action": "erase",
    "collection": None,
    "subject": b"\x01" * 32,
    "outcome": "match",
    "request_id": "",
}


@pytest.mark.parametrize("column", CHANGES)
def test_every_column_is_in_the_digest(column: str) -> None:
    changed = replace(ENTRY, **{column: CHANGES[column]})
    assert _digest(changed) != _digest(ENTRY)


def _digest(entry: AuditEntry, sequence: int = 1, previous: bytes = GENESIS) -> bytes:
    return chain.digest_of(entry, sequence, previous, keyed)


def test_all_columns_of_an_entry_are_tried() -> None:
    assert set(CHANGES) == set(AuditEntry.__slots__)


def test_number_and_record_before_are_in_the_digest() -> None:
    assert len({_digest(ENTRY), _digest(ENTRY, 2), _digest(ENTRY, 1, b"\x01" * 32)}) == 3


def test_moment_is_the_same_wherever_the_clock_stood() -> None:
    seoul = NOW.astimezone(timezone(timedelta(hours=9)))
    assert _digest(replace(ENTRY, at=seoul)) == _digest(ENTRY)


@pytest.mark.parametrize("length", [0, 1, LENGTH])
def test_genuine_log_is_whole(length: int) -> None:
    head, records = log(length)
    assert check(head, records, keyed) == LogVerdict(length, head.head, None)


def test_log_of_a_service_that_never_ran_is_whole() -> None:
    assert check(None, [], None) == LogVerdict(0, None, None)


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("place", [0, 2, LENGTH - 1])
def test_changed_record_is_found(column: str, place: int) -> None:
    head, records = log()
    entry = replace(records[place].entry, **{column: CHANGES[column]})
    if entry == records[place].entry:
        entry = replace(entry, audit_id=UUID(int=99))
    records[place] = replace(records[place], entry=entry)
    assert broken(head, records) == Break(place + 1, Flaw.ALTERED)


@pytest.mark.parametrize("place", range(LENGTH - 1))
def test_removed_record_is_found(place: int) -> None:
    head, records = log()
    del records[place]
    assert broken(head, records) == Break(place + 1, Flaw.REMOVED)


def test_removed_record_is_found_where_the_others_are_numbered_anew() -> None:
    head, records = log()
    del records[2]
    renumbered = [replace(one, sequence=number) for number, one in enumerate(records, start=1)]
    assert broken(head, renumbered) == Break(3, Flaw.ALTERED)


def test_exchanged_records_are_found() -> None:
    head, records = log()
    records[1], records[3] = (
        replace(records[3], sequence=2),
        replace(records[1], sequence=4),
    )
    assert broken(head, records) == Break(2, Flaw.ALTERED)


def test_exchanged_contents_are_found() -> None:
    head, records = log()
    records[1], records[3] = (
        replace(records[1], entry=records[3].entry),
        replace(records[3], entry=records[1].entry),
    )
    assert broken(head, records) == Break(2, Flaw.ALTERED)


@pytest.mark.parametrize("left", [0, 1, LENGTH - 1])
def test_cut_off_end_is_found(left: int) -> None:
    head, records = log()
    assert broken(head, records[:left]) == Break(left + 1, Flaw.CUT_OFF)


def test_record_behind_the_end_is_found() -> None:
    head, records = log()
    _, longer = log(LENGTH + 1)
    assert broken(head, longer) == Break(LENGTH + 1, Flaw.BEYOND_END)
    assert records == longer[:-1]


def test_chain_made_under_another_key_is_found() -> None:
    _, records = log()
    head = AuditHead(0, GENESIS, NOW, EMPTY.digest)
    forged = []
    for record in records:
        again, head = chain.link(head, record.entry, other_key)
        forged.append(again)
    assert broken(_sealed(head), forged) == Break(1, Flaw.ALTERED)


def test_genuine_records_of_another_chain_are_found() -> None:
    """Their digests are right; what they follow is not there."""
    head, records = log()
    other, spliced = chain.link(head.head, ENTRY, keyed)[0], records[:2]
    moved, _ = chain.link(replace(head.head, sequence=2), ENTRY, keyed)
    assert moved.previous == other.previous
    longer = _sealed(replace(head.head, sequence=3, digest=moved.digest))
    assert broken(longer, [*spliced, moved]) == Break(3, Flaw.UNLINKED)


@pytest.mark.parametrize(
    "change", [{"sequence": 3}, {"digest": GENESIS}, {"registry": GENESIS}, {"begun_at": NOW.max}]
)
def test_head_that_was_changed_is_found(change: dict[str, Any]) -> None:
    head, records = log()
    change = {name: value.replace(tzinfo=UTC) if name == "begun_at" else value
              for name, value in change.items()}  # fmt: skip
    forged = replace(head, head=replace(head.head, **change))
    found = broken(forged, records)
    assert found is not None
    assert found.flaw is Flaw.HEAD_ALTERED


def test_head_that_is_gone_is_found() -> None:
    _, records = log()
    assert broken(None, records) == Break(0, Flaw.HEAD_ALTERED)


def test_log_without_a_head_is_whole_in_an_empty_database_only() -> None:
    assert check(None, [], None, empty=True).whole
    assert check(None, [], None, empty=False).broken == Break(0, Flaw.CUT_OFF)


def test_older_state_of_everything_is_found_by_a_checkpoint_only() -> None:
    """Whoever can rewrite the database can put back its older state: only a number noted
    elsewhere tells.
    """
    older_head, older = log(3)
    head, _ = log(LENGTH)
    noted = Checkpoint(head.head.sequence, head.head.digest)
    assert broken(older_head, older) is None
    assert broken(older_head, older, noted) == Break(4, Flaw.CUT_OFF)


def test_checkpoint_holds_as_the_log_grows() -> None:
    head, _ = log(3)
    longer_head, longer = log(LENGTH)
    assert broken(longer_head, longer, Checkpoint(3, head.head.digest)) is None
