"""Many callers at once: the duplicate check and the insert are one step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from service.domain.errors import DuplicateSubject, SubjectExists
from service.domain.template import average
from service.usecases.enrollment import Enrolled, Mode
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.service_process import DEFAULT, Service, Tables
from tests.usecases.stand_ins import embedding_of_photo

CALLERS = 12
Restarted = Callable[[str], Service]


def test_one_face_under_many_names_is_enrolled_exactly_once(service: Service) -> None:
    calls = [partial(service.enroll, f"name{n}", f"kim:{n}") for n in range(CALLERS)]
    results = outcomes(calls)
    assert sorted(type(result).__name__ for result in results) == (
        [DuplicateSubject.__name__] * (CALLERS - 1) + [Enrolled.__name__]
    )
    assert service.collections.show(DEFAULT).templates == 1


def test_one_name_for_many_faces_is_given_exactly_once(service: Service) -> None:
    results = outcomes([partial(service.enroll, "kim", f"person{n}") for n in range(CALLERS)])
    assert sum(isinstance(result, Enrolled) for result in results) == 1
    assert sum(isinstance(result, SubjectExists) for result in results) == CALLERS - 1


def test_different_people_are_all_enrolled(service: Service) -> None:
    results = outcomes([partial(service.enroll, f"p{n}", f"person{n}") for n in range(CALLERS)])
    assert all(isinstance(result, Enrolled) for result in results)
    assert service.collections.show(DEFAULT).templates == CALLERS


def test_retries_that_meet_get_one_answer_and_store_one_template(
    service: Service, tables: Tables
) -> None:
    retry = partial(service.enroll, "kim", "kim:1", idempotency_key="once")
    results = outcomes([retry] * CALLERS)
    assert all(isinstance(result, Enrolled) for result in results)
    assert len({result.template_id for result in results}) == 1
    assert len(tables.rows("SELECT 1 FROM templates")) == 1


def test_first_enrollments_of_two_models_bind_the_collection_to_one(
    service: Service, tables: Tables, restarted: Restarted
) -> None:
    services = [service, restarted("other")] * (CALLERS // 2)
    outcomes([partial(one.enroll, f"p{n}", f"person{n}") for n, one in enumerate(services)])
    assert len(tables.rows("SELECT DISTINCT model_id FROM templates")) == 1


def test_photographs_added_at_once_are_all_kept(service: Service) -> None:
    service.enroll("kim", "kim")
    names = [f"kim:{n}" for n in range(CALLERS)]
    outcomes([partial(service.enroll, "kim", name, mode=Mode.ADD) for name in names])
    (template,) = service.export("kim").templates
    expected = average([embedding_of_photo(n) for n in ["kim", *names]])
    assert template.samples == CALLERS + 1
    np.testing.assert_allclose(template.embedding, expected, atol=1e-6)
    assert service.collections.show(DEFAULT).templates == 1


def test_person_enrolled_while_being_erased_is_either_there_or_gone(
    service: Service, tables: Tables
) -> None:
    service.enroll("kim", "kim:0")
    calls = [partial(service.enroll, "kim", f"kim:{n}", mode=Mode.ADD) for n in range(1, CALLERS)]
    outcomes([*calls, partial(service.erase, "kim")])
    assert tables.rows("SELECT 1 FROM subjects") == []
    assert tables.rows("SELECT 1 FROM templates") == []
