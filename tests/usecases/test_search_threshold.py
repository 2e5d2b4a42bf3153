"""Searches follow the number of people: whoever looks alike in a small gallery does not in a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from service.domain.bulk import BulkOutcome, Place, Result, Row, Unit
from service.domain.collection import DuplicatePolicy
from service.domain.errors import DuplicateSubject
from service.domain.face import Embedding
from service.domain.thresholds import ARCFACE, BALANCED, OperatingPoint, Profile
from service.domain.warnings import WarningCode
from service.usecases.enrollment import Enrolled
from tests.domain.vectors import at_cosine, face_of
from tests.usecases.service_process import Service
from tests.usecases.stand_ins import given

FLAG, ALLOW = DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW
STRANGERS = WarningCode.SEARCH_NAMES_STRANGERS

MEASURED = replace(
    ARCFACE,
    profiles={BALANCED: Profile(BALANCED, 0.40, 0.02), "open": Profile("open", 0.40)},
    operating_points=(OperatingPoint(0.50, 0.01), OperatingPoint(0.60, 0.005)),
)
"""Up to 5 people at 0.40, 10 at 0.50, 20 at 0.60: N x FMR is at most 0.1."""

KIM = face_of("kim")
ALIKE = {threshold: at_cosine(KIM, threshold + 0.05, "alike") for threshold in (0.40, 0.50)}
"""Who reaches this threshold and not the next."""


@pytest.fixture
def measured(service: Service) -> Service:
    service.wiring.calibration = MEASURED
    return service


@pytest.fixture
def gallery(measured: Service) -> Callable[[int], Service]:
    """With Kim and strangers, so many people in all."""

    def filled(people: int) -> Service:
        rows = [_row(0, KIM, "kim"), *_strangers(people - 1)]
        assert {one.result for one in measured.bulk(rows, on_duplicate=ALLOW)} == {Result.ENROLLED}
        return measured

    return filled


def _row(number: int, face: Embedding, subject_id: str | None = None) -> Row:
    return Row(Place(Unit.LINE, number), subject_id or f"p-{number}", given(face))


def _strangers(number: int, first: int = 1) -> Iterator[Row]:
    for n in range(first, first + number):
        yield _row(n, face_of(f"stranger-{n}"))


def _codes(answer: Enrolled | BulkOutcome) -> list[WarningCode]:
    return [one.code for one in answer.warnings]


@pytest.mark.parametrize(
    ("people", "threshold", "found"), [(5, 0.40, ["kim"]), (6, 0.50, []), (11, 0.60, [])]
)
def test_search_takes_the_threshold_for_its_number_of_people(
    gallery: Callable[[int], Service], people: int, threshold: float, found: list[str]
) -> None:
    result = gallery(people).search(given(ALIKE[0.40]))
    assert result.search.threshold == threshold
    assert [one.who.subject_id for one in result.candidates] == found
    assert (result.search.profile.name, result.search.warnings) == (BALANCED, [])
    assert result.search.expected_false_candidates == pytest.approx(
        people * {0.40: 0.02, 0.50: 0.01, 0.60: 0.005}[threshold]
    )


def test_gallery_beyond_all_that_was_measured_warns(gallery: Callable[[int], Service]) -> None:
    search = gallery(21).search(given(KIM)).search
    assert search.threshold == 0.60
    (warning,) = search.warnings
    assert warning.code is STRANGERS
    assert warning.expected_false_candidates == pytest.approx(0.105)


def test_collection_may_allow_more_strangers(gallery: Callable[[int], Service]) -> None:
    service = gallery(6)
    service.put(max_false_candidates=1)
    assert service.search(given(ALIKE[0.40])).search.threshold == 0.40


def test_profile_that_asks_for_more_than_the_size_does_stays(
    gallery: Callable[[int], Service],
) -> None:
    service = gallery(6)
    service.put(thresholds={"vault": 0.55})
    search = service.search(given(KIM), profile="vault").search
    assert (search.profile.name, search.threshold, search.warnings) == ("vault", 0.55, [])


@pytest.mark.parametrize("people", [5, 6])
def test_enrollment_compares_at_the_threshold_of_a_search(
    gallery: Callable[[int], Service], people: int
) -> None:
    service = gallery(people)
    enrolled = service.enroll("lee", given(ALIKE[0.40]), on_duplicate=FLAG)
    named = [one.subject_id for one in enrolled.duplicates]
    assert (enrolled.duplicate_threshold, named) == {5: (0.40, ["kim"]), 6: (0.50, [])}[people]
    assert enrolled.warnings == []


def test_refused_duplicate_tells_what_the_check_was_worth(
    gallery: Callable[[int], Service],
) -> None:
    with pytest.raises(DuplicateSubject) as refusal:
        gallery(6).enroll("lee", given(KIM))
    assert refusal.value.expected_false_candidates == pytest.approx(0.06)


def test_photographs_that_are_added_are_compared_twice(gallery: Callable[[int], Service]) -> None:
    """They themselves, and the template that they make with those from before."""
    added = gallery(3).enroll("kim", given(at_cosine(KIM, 0.9, "new")), mode="add")
    assert added.duplicate_threshold == 0.50


def test_allowed_duplicates_are_not_compared(gallery: Callable[[int], Service]) -> None:
    service = gallery(30)
    enrolled = service.enroll("lee", given(KIM), on_duplicate=ALLOW)
    assert (enrolled.duplicate_threshold, enrolled.warnings) == (None, [])
    assert enrolled.expected_false_candidates is None
    unknown = service.enroll("park", given(KIM), on_duplicate=ALLOW, profile="open")
    assert _codes(unknown) == [WarningCode.UNCALIBRATED_MODEL]


def test_retried_enrollment_warns_as_the_first_did(gallery: Callable[[int], Service]) -> None:
    service = gallery(21)
    first, again = (
        service.enroll("lee", given(face_of("lee")), idempotency_key="retry") for _ in range(2)
    )
    assert _codes(first) == [STRANGERS]
    assert (again.warnings, again.duplicate_threshold) == (first.warnings, 0.60)
    assert again.expected_false_candidates is None  # it made no search


def test_batch_counts_those_whom_it_enrolls(measured: Service) -> None:
    """Everybody as if they came one by one: of the same look, the sixth is compared with five."""
    rows = [_row(0, KIM, "kim"), *_strangers(4), _row(5, ALIKE[0.40], "fifth")]
    rows += [_row(6, at_cosine(KIM, 0.45, "another"), "sixth")]
    outcomes = measured.bulk(rows, on_duplicate=FLAG)
    assert _flagged(outcomes) == {"fifth": ["kim"]}


def test_batch_does_not_count_those_whom_it_refuses(measured: Service) -> None:
    rows = [_row(0, KIM, "kim"), *_strangers(3), _row(4, KIM, "kim-again")]
    rows += [_row(5, ALIKE[0.40], "fifth")]
    *_, again, fifth = measured.bulk(rows)
    assert (again.result, fifth.result) == (Result.REFUSED, Result.REFUSED)


def test_batch_warns_from_where_its_gallery_is_too_large(measured: Service) -> None:
    outcomes = measured.bulk(list(_strangers(23)))
    warned = [n for n, one in enumerate(outcomes) if _codes(one) == [STRANGERS]]
    assert warned == [21, 22]  # compared with 21 and with 22 people


def _flagged(outcomes: Sequence[BulkOutcome]) -> dict[str | None, list[str]]:
    return {
        one.subject_id: [each.subject_id for each in one.candidates]
        for one in outcomes
        if one.result is Result.FLAGGED
    }
