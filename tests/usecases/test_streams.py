"""More than fits into memory, in pieces, in order, made while the last one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from threading import Event, current_thread

import pytest

from service.domain.bulk import BulkCandidate, BulkOutcome, Place, Result, Row, Unit
from service.domain.errors import Overloaded
from service.domain.face import Detection, Faces, ImageFiles, Photograph
from service.domain.ports import FrameObserver
from service.domain.thresholds import ARCFACE
from service.usecases.bulk_enroll import AHEAD, TRIES, EmbedHere
from service.usecases.index_sync import batched, made_ahead, mapped_ahead
from service.usecases.sampler import Sampler
from tests.usecases.stand_ins import StandInCapture, StandInEngine

SECONDS = 10
WORKERS = 3


def test_batches_are_full_but_for_the_last() -> None:
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batched([], 3)) == []


def test_next_item_is_made_elsewhere_before_it_is_asked_for() -> None:
    made = Event()

    def items() -> Generator[str]:
        yield current_thread().name
        made.set()
        yield current_thread().name

    ahead = made_ahead(items())
    first = next(ahead)
    assert made.wait(SECONDS)
    assert current_thread().name not in {first, *ahead}


def test_error_comes_after_what_was_made_before_it_and_the_maker_is_closed() -> None:
    closed = []

    def items() -> Generator[int]:
        try:
            yield 1
            raise OSError("gone")
        finally:
            closed.append(True)

    ahead = made_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="gone"):
        next(ahead)
    assert closed == [True]


def test_what_several_threads_make_comes_in_order() -> None:
    second = Event()

    def work(number: int) -> int:
        if number == 1:
            assert second.wait(SECONDS)
        second.set()
        return -number

    assert list(mapped_ahead(work, range(1, 8), 2)) == [-1, -2, -3, -4, -5, -6, -7]


def test_no_more_is_begun_than_one_for_each_thread_and_one_to_spare() -> None:
    numbers = iter(range(100))
    ahead = mapped_ahead(lambda number: number, numbers, 2)
    assert next(ahead) == 0
    ahead.close()
    assert next(numbers) == 4


def test_error_of_one_comes_in_its_turn() -> None:
    def work(number: int) -> float:
        return 1 / number

    ahead = mapped_ahead(work, [1, 0, 2], 2)
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def row(name: str) -> Row:
    return Row(Place(Unit.LINE, 1), name, ImageFiles([name]))


def embed(engine: StandInEngine, sleep: Callable[[float], None] = lambda _: None) -> EmbedHere:
    return EmbedHere(Sampler(engine, StandInCapture(), ARCFACE), WORKERS, sleep)


def test_embedded_rows_come_in_order_with_what_was_decided_before_between_them() -> None:
    before = BulkOutcome(Place(Unit.LINE, 2), "lee", Result.ALREADY)
    names = [f"p{number}" for number in range(40)]
    items: list[Row | BulkOutcome] = [row(name) for name in names]
    items.insert(7, before)
    done = list(embed(StandInEngine())(items))
    assert done.pop(7) is before
    assert [one.row.subject_id for one in done if isinstance(one, BulkCandidate)] == names


def test_only_a_few_rows_are_read_ahead() -> None:
    read = 0

    def rows() -> Iterator[Row]:
        nonlocal read
        while True:
            read += 1
            yield row("kim")

    done = iter(embed(StandInEngine())(rows()))
    next(done)
    assert read <= AHEAD * WORKERS + 1


class OverloadedEngine(StandInEngine):
    """Has no room for so many calls, then it has."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        if self.left:
            self.left -= 1
            raise Overloaded(retry_after=7)
        return super().detect(photographs, faces, observe)


def test_a_row_waits_for_an_engine_that_this_runs_own_rows_keep_busy() -> None:
    slept: list[float] = []
    (found,) = embed(OverloadedEngine(2), slept.append)([row("kim")])
    assert isinstance(found, BulkCandidate)
    assert slept == [7, 7]


def test_what_no_row_is_to_blame_for_is_no_refusal() -> None:
    with pytest.raises(Overloaded):
        list(embed(OverloadedEngine(TRIES))([row("kim")]))
