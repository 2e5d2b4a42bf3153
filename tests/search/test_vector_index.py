"""What is held of a collection: read on, forgotten, found, and dropped where it is of no use."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from service.domain.search import SearchProblem, Shortlist, Vectors
from service.search import collection_index
from service.search.collection_index import CodeKind
from service.search.eight_bits import EIGHT_BITS
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex, kind_for_many_probes
from tests.search.crowds import COLLECTION, EPOCH, KEY, OTHER_KEY, crowd, mark, mates, rows
from tests.search.damage import KINDS, write_over

PLENTY = 2**30
PEOPLE = crowd(3_000)

SETTING = 2048 * 1024 * 1024
"""`FACE_SEARCH_MEMORY` where nothing else is said."""


@pytest.fixture(params=[*KINDS.values()], ids=[*KINDS])
def kind(request: pytest.FixtureRequest) -> CodeKind:
    found: CodeKind = request.param
    return found


@pytest.fixture
def memory(kind: CodeKind) -> VectorIndex:
    return filled(VectorIndex(PLENTY, kind, workers=2))


def filled(memory: VectorIndex) -> VectorIndex:
    assert memory.extend(mark(len(PEOPLE)), [rows(PEOPLE)])
    return memory


def ask(memory: VectorIndex, *probes: Vectors, min_similarity: float = 0.4) -> list[Shortlist]:
    lists = memory.candidates(COLLECTION, {KEY: np.stack(probes)}, min_similarity)
    return [near for near in lists or () if near is not None]


def test_nothing_is_known_of_a_collection_that_is_not_held(memory: VectorIndex) -> None:
    assert memory.candidates(UUID(int=9), {KEY: PEOPLE[:1]}, 0.4) is None
    assert memory.held(UUID(int=9)) is None


def test_shortlist_says_what_it_was_made_from(memory: VectorIndex) -> None:
    (near,) = ask(memory, mates(PEOPLE[:1], 0.5)[0])
    assert (near.epoch, near.up_to, near.compared) == (EPOCH, 3_000, 3_000)
    assert near.positions.tolist() == [1]


def test_each_of_many_probes_has_its_own_list(memory: VectorIndex) -> None:
    lists = ask(memory, *mates(PEOPLE[10:20], 0.5))
    assert [near.positions.tolist() for near in lists] == [[n] for n in range(11, 21)]


def test_later_rows_are_found_with_the_earlier(memory: VectorIndex) -> None:
    more = crowd(500, seed=8)
    memory.extend(mark(3_500), [rows(more, after=3_000)])
    first, last = ask(memory, PEOPLE[0], more[-1])
    assert (first.positions.tolist(), last.positions.tolist()) == ([1], [3_500])
    assert last.up_to == 3_500


def test_rows_are_compared_with_the_probe_of_their_own_key(memory: VectorIndex) -> None:
    resealed = crowd(100, seed=8)
    memory.extend(mark(3_100), [rows(resealed, after=3_000, key_id=OTHER_KEY)])
    probes = {KEY: PEOPLE[:1], OTHER_KEY: resealed[:1]}
    (near,) = memory.candidates(COLLECTION, probes, 0.4) or ()
    assert near is not None
    assert near.positions.tolist() == [1, 3_001]


def test_rows_under_a_key_out_of_use_are_passed_over(memory: VectorIndex) -> None:
    (near,) = memory.candidates(COLLECTION, {OTHER_KEY: PEOPLE[:1]}, 0.4) or ()
    assert near is not None
    assert near.positions.tolist() == []


def test_forgotten_rows_are_not_found_and_take_no_memory(
    memory: VectorIndex, kind: CodeKind
) -> None:
    memory.keep_only(mark(3_000, deleted_count=2_999), np.array([7]))
    first, seventh = ask(memory, PEOPLE[0], PEOPLE[6])
    assert (first.positions.tolist(), seventh.positions.tolist()) == ([], [7])
    assert memory.state().size == kind.bytes_per_row
    assert memory.held(COLLECTION) == mark(3_000, deleted_count=2_999)


def test_parts_are_joined_and_split_by_size(
    kind: CodeKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection_index, "ROWS_PER_PART", 1_000)
    memory = VectorIndex(PLENTY, kind, workers=2)
    for start in range(0, 3_000, 300):
        memory.extend(mark(start + 300), [rows(PEOPLE[start : start + 300], after=start)])
    assert [len(part.codes) for part in memory._held[COLLECTION]._parts] == [900, 900, 900, 300]
    lists = ask(memory, *mates(PEOPLE[::100], 0.5))
    assert [near.positions.tolist() for near in lists] == [[n] for n in range(1, 3_001, 100)]


def test_too_small_a_memory_holds_what_fits(kind: CodeKind) -> None:
    memory = filled(VectorIndex(3_100 * kind.bytes_per_row, kind, workers=1))
    assert memory.has_room(COLLECTION, 100)
    assert not memory.has_room(COLLECTION, 101)
    assert memory.state().problem is SearchProblem.OUT_OF_MEMORY
    assert ask(memory, PEOPLE[0])[0].up_to == 3_000


def test_that_memory_does_not_suffice_is_said_once(
    kind: CodeKind, caplog: pytest.LogCaptureFixture
) -> None:
    memory = VectorIndex(0, kind, workers=1)
    assert not memory.has_room(COLLECTION, 1)
    assert not memory.has_room(COLLECTION, 1)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (MemoryError(), SearchProblem.OUT_OF_MEMORY),
        (RuntimeError("faiss"), SearchProblem.DAMAGED),
    ],
)
def test_failing_search_is_none_and_drops_what_is_held(
    memory: VectorIndex,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    problem: SearchProblem,
) -> None:
    def fails(*_: object) -> None:
        raise failure

    monkeypatch.setattr(collection_index.CollectionIndex, "candidates", fails)
    assert memory.candidates(COLLECTION, {KEY: PEOPLE[:1]}, 0.4) is None
    assert memory.held(COLLECTION) is None
    assert memory.state().problem is problem


def test_damaged_codes_are_noticed_and_dropped(memory: VectorIndex) -> None:
    assert memory.self_check(COLLECTION, [rows(PEOPLE[:4])])
    (part,) = memory._held[COLLECTION]._parts
    write_over(part.codes)
    assert not memory.self_check(COLLECTION, [rows(PEOPLE[:4])])
    assert memory.held(COLLECTION) is None
    assert memory.state().problem is SearchProblem.DAMAGED


def test_problem_is_over_when_nothing_is_behind(memory: VectorIndex) -> None:
    memory.is_behind(COLLECTION, 10)
    assert memory.state().problem is SearchProblem.LOADING
    memory.is_behind(COLLECTION, 0)
    assert memory.state().problem is None


def test_searches_go_on_while_rows_come_and_go(memory: VectorIndex) -> None:
    over = threading.Event()

    def searching() -> int:
        searches = 0
        while not over.is_set() or not searches:
            (near,) = ask(memory, PEOPLE[6])
            assert near.positions.tolist() == [7]
            searches += 1
        return searches

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(searching) for _ in range(4)]
        held = mark(3_000)
        for n in range(20):
            more = crowd(50, seed=100 + n)
            held = replace(held, last_row_sequence=held.last_row_sequence + 50)
            memory.extend(held, [rows(more, after=held.last_row_sequence - 50)])
            living = np.concatenate([numbered_from(7), numbered_from(held.last_row_sequence)])
            memory.keep_only(held, living)
        over.set()
        assert all(done.result() for done in running)


def numbered_from(position: int) -> np.typing.NDArray[np.int64]:
    return np.array([position])


@pytest.mark.parametrize(
    ("rows", "kind"), [(0, EIGHT_BITS), (4_000_000, EIGHT_BITS), (5_000_000, TWO_BITS)]
)
def test_as_fine_as_memory_suffices_for(rows: int, kind: CodeKind) -> None:
    assert kind_for_many_probes(rows, SETTING) is kind
