"""Two who are enrolled turn out to be one person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from service.domain.collection import DuplicatePolicy
from service.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    RecordTampered,
    SubjectLocked,
    SubjectMismatch,
    SubjectNotFound,
)
from service.domain.template import MOST_SAMPLES, average
from service.usecases.enrollment import Mode
from service.usecases.subjects import ChangedSubject
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.lookalikes import RESOLVED, pairs, resolve
from tests.usecases.service_process import CALLER, DEFAULT, RULES, Service, Tables
from tests.usecases.stand_ins import NextEngine, embedding_of_photo, photos
from tests.usecases.test_put_back import PEOPLE, audited, put_back

DAY = timedelta(days=1)
ALLOW = DuplicatePolicy.ALLOW


@pytest.fixture
def twice(service: Service) -> Service:
    """Kim, and a day later Kim again as `kim2`."""
    service.enroll("kim", "kim:1", expires_at=service.clock.now + 60 * DAY, metadata={"door": 1})
    service.clock.advance(DAY)
    service.enroll(
        "kim2",
        "kim:2",
        on_duplicate=ALLOW,
        expires_at=service.clock.now + 30 * DAY,
        metadata={"door": 2},
        consent_reference="form 2",
        idempotency_key="order-2",
    )
    return service


def test_merged_person_has_the_photographs_of_both(twice: Service) -> None:
    merged = twice.merge("kim", "kim2")
    (template,) = twice.export("kim").templates
    expected = average([embedding_of_photo("kim:1"), embedding_of_photo("kim:2")])
    np.testing.assert_allclose(template.embedding, expected, atol=1e-6)
    assert template.samples == 2
    assert twice.found("kim:3") == ["kim"]
    with pytest.raises(SubjectNotFound):
        twice.verify("kim2", "kim:2")
    assert merged.details == twice.subjects.show("kim", DEFAULT)
    assert audited(twice).whole


def test_terms_are_the_stricter_and_what_is_written_is_of_who_stays(twice: Service) -> None:
    exported = twice.export("kim")
    twice.merge("kim", "kim2")
    after = twice.export("kim")
    assert after.enrolled_at == exported.enrolled_at
    assert after.expires_at == twice.clock.now + 30 * DAY  # kim2's
    assert after.metadata == {"door": 1}
    assert after.consent_reference == "form 2"  # kim has none


def test_retention_counts_from_the_earlier_enrollment(twice: Service) -> None:
    twice.put(retention_days=10)
    earlier = twice.subjects.show("kim", DEFAULT)
    assert twice.merge("kim2", "kim").details.expires_at == earlier.expires_at


def test_strangers_are_not_merged_unless_by_force(twice: Service, tables: Tables) -> None:
    twice.enroll("lee", "lee")
    before = tables.beside_the_log()
    with pytest.raises(SubjectMismatch):
        twice.merge("kim", "lee")
    assert tables.beside_the_log() == before
    (row,) = tables.rows("SELECT * FROM audit WHERE action LIKE 'merge%'")
    assert (row["action"], row["outcome"]) == ("merge", "subject_mismatch")
    twice.merge("kim", "lee", force=True)
    told = [one.action for one in twice.export("kim").audit]
    assert told == ["enroll", "enroll", "merge", "merge_from", "merge_forced", "export"]
    assert audited(twice).whole
    assert [one.subject_id for one in twice.subjects.page(DEFAULT, 10, None).subjects] == [
        "kim",
        "kim2",
    ]


def test_people_decided_to_be_different_are_not_merged_unless_by_force(service: Service) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("twin", "kim:2", on_duplicate=DuplicatePolicy.FLAG)
    resolve(service)
    with pytest.raises(SubjectMismatch):
        service.merge("kim", "twin")
    service.merge("kim", "twin", force=True)
    assert pairs(service, RESOLVED) == []
    assert audited(service).whole


def test_flags_about_who_goes_are_about_who_stays(service: Service) -> None:
    """Also those about who stays, whose enrollment is now the earlier one of the two, and those about
    somebody who is expired and still stored.
    """
    flag = DuplicatePolicy.FLAG
    service.enroll("kim2", "kim:2")
    service.clock.advance(DAY)
    service.enroll("kim", "kim:1", on_duplicate=ALLOW)
    service.enroll("twin", "kim:3", on_duplicate=flag)
    service.enroll("other", "kim:4", on_duplicate=flag, expires_at=service.clock.now + DAY)
    assert len(pairs(service)) == 5
    service.clock.advance(DAY)
    service.merge("kim", "kim2")
    assert pairs(service) == [("twin", "kim")]
    assert audited(service).whole


def test_one_and_the_same_is_no_merge(twice: Service) -> None:
    with pytest.raises(InvalidRequest) as refused:
        twice.merge("kim", "kim")
    (particular,) = refused.value.particulars
    assert (particular["field"], particular["problem"]) == ("from", "same_subject")


def test_both_must_be_enrolled(twice: Service) -> None:
    for ids in (("kim", "nobody"), ("nobody", "kim")):
        with pytest.raises(SubjectNotFound):
            twice.merge(*ids)
    twice.clock.advance(30 * DAY)
    with pytest.raises(SubjectNotFound):
        twice.merge("kim", "kim2")


def test_no_template_counts_more_photographs_than_adding_allows(twice: Service) -> None:
    for name in ("kim", "kim2"):
        twice.enroll(name, photos(*["kim"] * 60), mode=Mode.REPLACE, on_duplicate=ALLOW)
    twice.merge("kim", "kim2")
    assert twice.export("kim").templates[0].samples == MOST_SAMPLES


def test_refused_faces_of_both_count_together(twice: Service) -> None:
    for number in range(RULES.after - 1):
        twice.verify("kim", f"stranger{number}")
    twice.verify("kim2", "stranger")
    merged = twice.merge("kim", "kim2")
    assert merged.details.locked_until == twice.clock.now + RULES.lasts
    with pytest.raises(SubjectLocked):
        twice.verify("kim", "kim:1")


def test_locked_person_is_not_opened_by_a_merge(twice: Service) -> None:
    for number in range(RULES.after):
        twice.verify("kim2", f"stranger{number}")
    assert twice.merge("kim", "kim2").details.locked_until is not None
    assert twice.export("kim").refusals[CALLER].number == RULES.after


def test_what_is_past_of_either_counts_no_more(twice: Service) -> None:
    twice.verify("kim2", "stranger")
    twice.clock.advance(RULES.window)
    twice.verify("kim", "stranger")
    twice.merge("kim", "kim2")
    assert twice.export("kim").refusals[CALLER].number == 1


def test_retry_enrolls_nobody_again(twice: Service) -> None:
    fields = {
        "on_duplicate": ALLOW,
        "expires_at": twice.clock.now + 30 * DAY,
        "metadata": {"door": 2},
        "consent_reference": "form 2",
        "idempotency_key": "order-2",
    }
    twice.merge("kim", "kim2")
    assert twice.enroll("kim2", "kim:2", **fields).subject_id == "kim2"
    assert twice.found("kim:2") == ["kim"]
    twice.erase("kim")
    with pytest.raises(IdempotencyConflict):
        twice.enroll("kim2", "kim:2", **fields)


def test_export_tells_what_happened_to_both(twice: Service) -> None:
    twice.rename("kim2", "kim3")
    twice.merge("kim", "kim3")
    told = [one.action for one in twice.export("kim").audit]
    assert told == ["enroll", "enroll", "rename", "rename_to", "merge_from", "merge", "export"]


def test_who_is_gone_cannot_be_put_back(twice: Service, tables: Tables) -> None:
    before = tables.content()
    twice.merge("kim", "kim2")
    put_back(tables, before, *PEOPLE[2:])
    for name in ("kim", "kim2"):
        with pytest.raises(RecordTampered):
            twice.verify(name, "kim:2")


def test_person_who_was_moved_keeps_both_models(twice: Service) -> None:
    both = replace(twice, next_engine=NextEngine())
    both.move_model.begin(DEFAULT, CALLER)
    assert both.verify("kim2", "kim").decision.match
    assert [len(both.export(name).templates) for name in ("kim", "kim2")] == [1, 2]
    both.merge("kim", "kim2")
    assert len(both.export("kim").templates) == 2
    assert both.verify("kim", "kim").decision.match
    assert both.move_model.status(DEFAULT).moved == 1
    assert audited(both).whole


def test_two_merges_in_opposite_directions_leave_one_person(twice: Service) -> None:
    found = outcomes([lambda: twice.merge("kim", "kim2"), lambda: twice.merge("kim2", "kim")])
    assert {type(one) for one in found} == {ChangedSubject, SubjectNotFound}
    assert len(twice.found("kim")) == 1
    assert audited(twice).whole


def test_beside_a_deletion_of_who_goes_nothing_of_them_is_left_under_their_id(
    twice: Service,
) -> None:
    merged, _ = outcomes([lambda: twice.merge("kim", "kim2"), lambda: twice.erase("kim2")])
    samples = twice.export("kim").templates[0].samples
    assert samples == (2 if isinstance(merged, ChangedSubject) else 1)
    assert twice.found("kim") == ["kim"]
