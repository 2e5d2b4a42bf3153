"""Who counts as missed."""

from __future__ import annotations

import numpy as np

from scripts.bench.galleries import Population
from scripts.bench.loading import subject_id
from scripts.bench.mates import Mate, mates_among
from service.domain.errors import Candidate

MATE = Mate("anna", np.zeros(512, np.float32), 0.45)


def _crowd(number: int, similarity: float) -> list[Candidate]:
    return [Candidate(f"somebody-{index}", similarity) for index in range(number)]


def test_a_mate_who_is_named_is_found() -> None:
    assert not MATE.is_missed_by([*_crowd(3, 0.5), Candidate("anna", 0.45)])


def test_nobody_named_is_a_miss() -> None:
    assert MATE.is_missed_by([])


def test_a_mate_is_missed_where_there_was_room() -> None:
    assert MATE.is_missed_by(_crowd(9, 0.5))


def test_ten_more_similar_people_take_all_places() -> None:
    assert not MATE.is_missed_by(_crowd(10, 0.5))


def test_a_mate_is_missed_where_somebody_less_alike_has_its_place() -> None:
    assert MATE.is_missed_by([*_crowd(9, 0.5), *_crowd(1, 0.44)])


def test_mates_are_different_people_with_the_cosines_they_say() -> None:
    population = Population(3)
    mates = mates_among(population, 5_000, 300)
    enrolled = {subject_id(n): vector for n, vector in enumerate(population.people(0, 5_000))}
    assert len({mate.subject_id for mate in mates}) == 300
    for mate in mates:
        assert abs(float(enrolled[mate.subject_id] @ mate.probe) - mate.cosine) < 1e-6
        assert 0.40 < mate.cosine < 0.60


def test_no_more_mates_than_people() -> None:
    assert len(mates_among(Population(), 5, 300)) == 5
