"""Is what stands beside the audit log as the log and its registry have it?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.callers import ApiKey
from service.domain.chain import Keyed
from service.domain.collection import Collection
from service.domain.errors import AuditTampered
from service.domain.ports import PeopleProved
from service.domain.registry import (
    api_key_digest,
    api_key_record,
    collection_digest,
    collection_record,
    read_registry,
)


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
