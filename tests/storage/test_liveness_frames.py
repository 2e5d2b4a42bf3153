"""Hashes of frames that sessions looked at: found by other sessions, for a day, in their collection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import NamedTuple
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from service.domain.collection import Collection
from service.domain.frame_hash import SAME_FRAME_BITS, is_same_frame
from service.storage.engine import single_use_engine
from service.storage.liveness_frames import bands
from service.storage.storage import Storage
from service.storage.transaction import Transaction
from tests.storage.people import collection

SESSION, LATER = uuid4(), uuid4()

SEEN, OTHER = (np.random.default_rng(seed).bytes(64) for seed in (1, 2))


def altered(keyed: bytes, bits: int) -> bytes:
    """As many bits of it turned over, the first ones."""
    mask = ((1 << bits) - 1) << (512 - bits)
    return (int.from_bytes(keyed, "big") ^ mask).to_bytes(64, "big")


def mirror(keyed: bytes) -> bytes:
    """The hash of the frame's mirror image."""
    return keyed[32:] + keyed[:32]


_MANY = text("""
    INSERT INTO liveness_frames
    SELECT :collection_id, gen_random_uuid(), ('x' || encode(sha256(n::text::bytea), 'hex'))::bit(256),
        ARRAY(SELECT (band << 16) + (n * 7919 + band * 104729) % 32768 FROM generate_series(0, 16) AS band),
        now()
    FROM generate_series(1, 20000) AS n
""")


class Reads(NamedTuple):
    whole: int
    by_index: int


def _reads(tx: Transaction) -> Reads:
    """How often the table was read from its beginning, and how often by the index of bands."""
    whole, by_index = tx.connection.execute(
        text(
            "SELECT pg_stat_get_xact_numscans('liveness_frames'::regclass),"
            " pg_stat_get_xact_numscans('liveness_frames_bands_index'::regclass)"
        )
    ).one()
    return Reads(whole, by_index)


@pytest.fixture
def kept(storage: Storage) -> Collection:
    """A collection in which one session has looked at one frame."""
    made = collection()
    with storage.transaction() as tx:
        tx.collections.add(made)
        tx.liveness_frames.add(made, SESSION, [SEEN])
    return made


def _age(url: str, hours: float) -> None:
    with single_use_engine(url).begin() as connection:
        older = text("UPDATE liveness_frames SET seen_at = seen_at - :hours * interval '1 hour'")
        assert connection.execute(older, {"hours": hours}).rowcount


def _number(url: str) -> int:
    with single_use_engine(url).connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM liveness_frames")).scalar_one())


def test_frames_of_another_session_are_found_in_order(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        found = tx.liveness_frames.seen_before(kept, LATER, [OTHER, SEEN, OTHER])
    assert found == [False, True, False]


@given(st.binary(min_size=32, max_size=32), st.sets(st.integers(0, 255), max_size=SAME_FRAME_BITS))
def test_hashes_of_one_frame_have_a_band_in_common(part: bytes, turned: set[int]) -> None:
    other = int.from_bytes(part, "big")
    for bit in turned:
        other ^= 1 << bit
    assert set(bands(part)) & set(bands(other.to_bytes(32, "big")))


def test_bands_are_all_of_the_hash() -> None:
    """Each bit is in one of them, and no two of them are one number."""
    nothing = bands(bytes(32))
    assert len(set(nothing)) == SAME_FRAME_BITS + 1
    for bit in range(256):
        changed = bands((1 << bit).to_bytes(32, "big"))
        assert sum(one != other for one, other in zip(nothing, changed, strict=True)) == 1


def test_frames_are_looked_up_by_an_index(
    storage: Storage, kept: Collection, database_url: str
) -> None:
    """Whatever the planner knows of the table: of its hashes it is told nothing."""
    with single_use_engine(database_url).begin() as connection:
        connection.execute(_MANY, {"collection_id": kept.collection_id})
        connection.execute(text("ANALYZE liveness_frames"))
    with storage.transaction() as tx:
        before = _reads(tx)
        assert tx.liveness_frames.seen_before(kept, LATER, [OTHER, SEEN]) == [False, True]
        after = _reads(tx)
    assert after.by_index > before.by_index
    assert after.whole == before.whole


def test_sessions_that_are_sent_one_frame_at_once_see_each_others(
    storage: Storage, kept: Collection
) -> None:
    def look(session_id: UUID) -> list[bool]:
        together.wait()
        with storage.transaction() as tx:
            seen = tx.liveness_frames.seen_before(kept, session_id, [OTHER])
            tx.liveness_frames.add(kept, session_id, [OTHER])
        return seen

    together = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(look, [uuid4() for _ in range(4)]))
    assert sorted(found) == [[False], [True], [True], [True]]


def test_no_frames_are_asked_about(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        assert tx.liveness_frames.seen_before(kept, LATER, []) == []
        tx.liveness_frames.add(kept, LATER, [])


@pytest.mark.parametrize("bits", [0, 1, SAME_FRAME_BITS, SAME_FRAME_BITS + 1, 256])
def test_database_finds_what_the_rule_calls_the_same(
    storage: Storage, kept: Collection, bits: int
) -> None:
    with storage.transaction() as tx:
        [found] = tx.liveness_frames.seen_before(kept, LATER, [altered(SEEN, bits)])
    assert found == is_same_frame(SEEN, altered(SEEN, bits)) == (bits <= SAME_FRAME_BITS)


def test_mirror_image_of_a_frame_is_found(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        assert tx.liveness_frames.seen_before(kept, LATER, [mirror(SEEN)]) == [True]
    assert is_same_frame(SEEN, mirror(SEEN))
    assert not is_same_frame(SEEN, mirror(OTHER))


def test_session_does_not_find_its_own_frames(storage: Storage, kept: Collection) -> None:
    with storage.transaction() as tx:
        assert tx.liveness_frames.seen_before(kept, SESSION, [SEEN]) == [False]


def test_collections_do_not_find_each_others_frames(storage: Storage, kept: Collection) -> None:
    other = collection("other")
    with storage.transaction() as tx:
        tx.collections.add(other)
        assert tx.liveness_frames.seen_before(other, LATER, [SEEN]) == [False]


def test_frame_is_found_for_a_day_and_then_goes(
    storage: Storage, kept: Collection, database_url: str
) -> None:
    _age(database_url, 23.9)
    with storage.transaction() as tx:
        tx.liveness_frames.forget()
        assert tx.liveness_frames.seen_before(kept, LATER, [SEEN]) == [True]
    _age(database_url, 0.2)
    with storage.transaction() as tx:
        assert tx.liveness_frames.seen_before(kept, LATER, [SEEN]) == [False]
        tx.liveness_frames.forget()
    assert _number(database_url) == 0


def test_frame_that_a_session_looks_at_twice_is_one(
    storage: Storage, kept: Collection, database_url: str
) -> None:
    with storage.transaction() as tx:
        tx.liveness_frames.add(kept, SESSION, [SEEN, OTHER, OTHER])
    assert _number(database_url) == 2


def test_frames_go_with_their_collection(
    storage: Storage, kept: Collection, database_url: str
) -> None:
    other = collection("other")
    with storage.transaction() as tx:
        tx.collections.add(other)
        tx.liveness_frames.add(other, SESSION, [SEEN])
        tx.collections.delete(kept)
    assert _number(database_url) == 1
