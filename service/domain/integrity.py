"""Whether the audit log is what was written, and what stands beside it is as the log and its registry
have it; where not, the first place of the log, and each record beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.audit import AuditRecord
from service.domain.callers import ApiKey
from service.domain.chain import (
    GENESIS,
    AuditHead,
    Keyed,
    SealedHead,
    api_key_digest,
    api_key_record,
    collection_digest,
    collection_record,
    digest_of,
    read_registry,
)
from service.domain.collection import Collection
from service.domain.errors import AuditTampered


class Flaw(StrEnum):
    REMOVED = "removed"
    """The record with this number is not there, later ones are."""
    ALTERED = "altered"
    """It was changed, or belongs elsewhere."""
    UNLINKED = "unlinked"
    """It is genuine, but what stands before it is not what stood there."""
    CUT_OFF = "cut_off"
    """From this number on everything is gone."""
    BEYOND_END = "beyond_end"
    """It stands behind the end that the head tells."""
    HEAD_ALTERED = "head_altered"
    """The record of the chain's end is gone or was not made by the service."""
    NOT_AS_NOTED = "not_as_noted"
    """Its digest is another one than the checkpoint's."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A record's number and digest, noted where whoever rewrites the database cannot reach."""

    sequence: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class Break:
    sequence: int
    flaw: Flaw


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """`records`: how many were looked at. `head`: None where nothing was ever written."""

    records: int
    head: AuditHead | None
    broken: Break | None

    @property
    def whole(self) -> bool:
        return self.broken is None


def check(
    stored: SealedHead | None,
    records: Iterable[AuditRecord],
    keyed: Keyed | None,
    expected: Checkpoint | None = None,
    *,
    empty: bool = True,
) -> LogVerdict:
    """Walks `records`, in the order of their numbers, once; stops at the first flaw.

    `keyed`: None only where `stored` is. `empty`: whether there is nothing in the database beside
    the log; a log without a head is whole only there.
    """
    if stored is None or keyed is None:
        return _without_head(records, expected, empty)
    walk = _Walk(stored.head, keyed, expected)
    if not stored.is_genuine(keyed):
        return LogVerdict(0, stored.head, Break(stored.head.sequence, Flaw.HEAD_ALTERED))
    for record in records:
        if flaw := walk.step(record):
            return LogVerdict(walk.records, stored.head, flaw)
    return LogVerdict(walk.records, stored.head, walk.end())


def _without_head(
    records: Iterable[AuditRecord], expected: Checkpoint | None, empty: bool
) -> LogVerdict:
    """As a service that never ran leaves the database: with nothing in it."""
    if any(True for _ in records) or expected is not None:
        return LogVerdict(0, None, Break(0, Flaw.HEAD_ALTERED))
    return LogVerdict(0, None, None if empty else Break(0, Flaw.CUT_OFF))


class _Walk:
    """Constant memory: only the record before is remembered."""

    def __init__(self, head: AuditHead, keyed: Keyed, expected: Checkpoint | None) -> None:
        self._head = head
        self._keyed = keyed
        self._expected = expected
        self._sequence, self._digest = 0, GENESIS
        self.records = 0

    def step(self, record: AuditRecord) -> Break | None:
        flaw = self._flaw_of(record)
        self.records += 1
        return flaw or self._unlike_checkpoint()

    def end(self) -> Break | None:
        known = max(self._head.sequence, self._expected.sequence if self._expected else 0)
        if self._sequence < known:
            return Break(self._sequence + 1, Flaw.CUT_OFF)
        if self._digest != self._head.digest:
            return Break(self._sequence, Flaw.ALTERED)
        return None

    def _flaw_of(self, record: AuditRecord) -> Break | None:
        due = self._sequence + 1
        if record.sequence != due:
            return Break(due, Flaw.REMOVED)
        if record.sequence > self._head.sequence:
            return Break(record.sequence, Flaw.BEYOND_END)
        own = digest_of(record.entry, record.sequence, record.previous, self._keyed)
        if record.digest != own:
            return Break(record.sequence, Flaw.ALTERED)
        if record.previous != self._digest:
            return Break(record.sequence, Flaw.UNLINKED)
        self._sequence, self._digest = record.sequence, record.digest
        return None

    def _unlike_checkpoint(self) -> Break | None:
        noted = self._expected
        if noted and noted.sequence == self._sequence and noted.digest != self._digest:
            return Break(self._sequence, Flaw.NOT_AS_NOTED)
        return None


class RecordFlaw(StrEnum):
    CHANGED = "record_changed"
    """It is not as it was written."""
    PUT_BACK = "record_put_back"
    """It is not among those that exist: it was forged, or was there before and was destroyed."""
    GONE = "record_gone"
    """It exists, and is not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`record`: what it is about; `count`: how many are like it; `some`: the ids of a few people."""

    record: str
    flaw: RecordFlaw
    count: int = 1
    some: tuple[str, ...] = field(default=(), repr=False)


REGISTRY = "registry"


def check_registry(
    content: bytes | None,
    expected: bytes,
    collections: Iterable[Collection],
    api_keys: Iterable[tuple[ApiKey, str, bytes]],
    keyed: Keyed,
) -> Iterator[Finding]:
    """`expected`: the digest that the genuine head has of the registry's `content`."""
    try:
        entered = read_registry(content or b"", expected).digests
    except AuditTampered:
        yield Finding(REGISTRY, RecordFlaw.CHANGED)
        return
    found: dict[str, bytes] = {}
    for collection in collections:
        found[collection_record(collection)] = collection_digest(collection, keyed)
    for key, key_id, secret_hash in api_keys:
        found[api_key_record(key_id)] = api_key_digest(key, key_id, secret_hash, keyed)
    yield from _compared(entered, found)


@dataclass(frozen=True, slots=True)
class PeopleProved:
    """How many rows of people are as they were written last, and how many are not. `some`: the ids
    of a few of those.
    """

    genuine: int
    altered: int
    some: tuple[str, ...] = field(default=(), repr=False)


def check_people(
    collections: Iterable[Collection],
    proved: Callable[[Collection], PeopleProved],
    enrolled: Callable[[], int],
) -> Iterator[Finding]:
    """`collections`: those that exist. `enrolled`: how many people there are by the log. Each genuine
    row is that of another one of them, so that those who have none are the difference.
    """
    there = 0
    for collection in collections:
        found = proved(collection)
        there += found.genuine + found.altered
        if found.altered:
            whose = _people_of(collection)
            yield Finding(whose, RecordFlaw.CHANGED, found.altered, found.some)
    if (missing := enrolled() - there) > 0:
        yield Finding("people", RecordFlaw.GONE, missing)


def check_search_rows(
    collections: Iterable[Collection], altered: Callable[[Collection], int]
) -> Iterator[Finding]:
    for collection in collections:
        if number := altered(collection):
            record = f"search vectors of {collection_record(collection)}"
            yield Finding(record, RecordFlaw.CHANGED, number)


def check_flagged_duplicates(
    collections: Iterable[Collection], altered: Callable[[Collection], int]
) -> Iterator[Finding]:
    for collection in collections:
        if number := altered(collection):
            record = f"flagged duplicates of {collection_record(collection)}"
            yield Finding(record, RecordFlaw.CHANGED, number)


def _people_of(collection: Collection) -> str:
    return f"people of {collection_record(collection)}"


def _compared(entered: Mapping[str, bytes], found: Mapping[str, bytes]) -> Iterator[Finding]:
    for record in sorted({*entered, *found}):
        if record not in found:
            yield Finding(record, RecordFlaw.GONE)
        elif record not in entered:
            yield Finding(record, RecordFlaw.PUT_BACK)
        elif entered[record] != found[record]:
            yield Finding(record, RecordFlaw.CHANGED)
