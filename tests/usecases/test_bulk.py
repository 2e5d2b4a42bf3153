"""Many people at once: what one enrollment decides, decided for all of them, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.domain.bulk import BulkOutcome, BulkRow, Place, RefusedRow, Result, Row, Unit
from service.domain.callers import Scope
from service.domain.collection import DuplicatePolicy
from service.domain.errors import (
    CollectionNotFound,
    DuplicateSubject,
    InvalidRequest,
    ModelMismatch,
    Overloaded,
    ProfileNotFound,
)
from service.domain.face import ImageFiles
from service.usecases.bulk_enroll import BulkEnroll, Pace
from service.usecases.bulk_transaction import BulkRequest
from tests.domain.vectors import at_cosine, face_of
from tests.usecases.service_process import KEY_HOLDER, Service, Tables
from tests.usecases.stand_ins import given

FLAG, ALLOW = DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW

AS_MANY = 120
"""More than one transaction takes at the start."""


def ready(number: int, subject_id: str, face: str | None = None, **terms: Any) -> Row:
    """A row with a ready embedding; `face`: whose, if not the subject's."""
    source = given(face_of(face or subject_id))
    return Row(Place(Unit.LINE, number), subject_id, source, **terms)


def pictured(number: int, subject_id: str, *photos: str) -> Row:
    return Row(Place(Unit.LINE, number), subject_id, ImageFiles(photos or (subject_id,)))


def crowd(count: int = AS_MANY) -> list[BulkRow]:
    return [ready(number, f"p{number}") for number in range(1, count + 1)]


class UnreadSource:
    """A source that must not be read."""

    def __iter__(self) -> Iterator[BulkRow]:
        raise AssertionError


def results(outcomes: Sequence[BulkOutcome]) -> list[str]:
    return [outcome.error.code if outcome.error else outcome.result for outcome in outcomes]


def enrolled(service: Service) -> list[str]:
    return [one.subject_id for one in service.subjects.page("default", 500, None).subjects]


def test_everybody_is_enrolled_in_order_and_can_be_verified(service: Service) -> None:
    outcomes = service.bulk([*crowd(), pictured(500, "kim")])
    assert [outcome.place.at for outcome in outcomes] == [*range(1, AS_MANY + 1), 500]
    assert set(results(outcomes)) == {"enrolled"}
    assert len(enrolled(service)) == AS_MANY + 1
    assert service.verify("p7", given(face_of("p7"))).decision.match
    assert service.verify("kim", "kim:2").decision.match
    assert not service.verify("p7", given(face_of("p8"))).decision.match


def test_bulk_writes_the_rows_that_single_enrollments_write(
    service: Service, tables: Tables
) -> None:
    terms: dict[str, Any] = {
        "metadata": {"door": 3},
        "consent_reference": "doc-7",
        "expires_at": service.clock.now + timedelta(days=1),
    }
    service.bulk([ready(1, "kim", **terms)])
    service.enroll("lee", given(face_of("lee")), **terms)
    shown = [service.subjects.show(one, "default") for one in ("kim", "lee")]
    assert replace(shown[0], summary=shown[1].summary) == shown[1]
    lines = tables.rows("SELECT action, outcome, caller, collection FROM audit ORDER BY sequence")
    assert lines[-2] == lines[-1]


def test_every_person_enrolled_or_refused_is_in_the_audit_log(
    service: Service, tables: Tables
) -> None:
    unreadable = RefusedRow(Place(Unit.LINE, 4), InvalidRequest())
    service.bulk(
        [ready(1, "kim"), ready(2, "eve", "kim"), pictured(3, "lee", "no_face"), unreadable]
    )
    lines = tables.rows("SELECT outcome, subject FROM audit ORDER BY sequence")
    assert [line["outcome"] for line in lines] == ["done", "duplicate_subject", "no_usable_face"]
    assert len({bytes(line["subject"]) for line in lines}) == 3


def test_run_again_changes_nothing(service: Service, tables: Tables) -> None:
    rows = [ready(1, "kim"), pictured(2, "lee"), ready(3, "eve", "kim")]
    service.bulk(rows)
    before = tables.beside_the_log()
    looked_at = service.engine.looked_at
    assert results(service.bulk(rows)) == ["already", "already", "duplicate_subject"]
    assert tables.beside_the_log() == before
    assert service.engine.looked_at == looked_at


def test_another_face_under_an_enrolled_name_is_refused(service: Service) -> None:
    service.enroll("kim", given(face_of("kim")))
    near = Row(Place(Unit.LINE, 2), "kim", given(at_cosine(face_of("kim"), 0.99)))
    assert results(service.bulk([ready(1, "kim", "lee")])) == ["subject_exists"]
    assert results(service.bulk([near])) == ["subject_exists"]


def test_name_belongs_to_the_first_row_that_has_it(service: Service) -> None:
    rows = [ready(1, "kim"), ready(2, "kim"), ready(3, "kim", "lee")]
    assert results(service.bulk(rows)) == ["enrolled", "subject_repeated", "subject_repeated"]
    rows = [pictured(1, "lee", "no_face"), ready(2, "lee")]
    assert results(service.bulk(rows)) == ["no_usable_face", "subject_repeated"]


@pytest.mark.parametrize("apart", [1, AS_MANY], ids=["in one batch", "in two batches"])
def test_duplicate_of_an_earlier_row_is_refused_and_names_it(service: Service, apart: int) -> None:
    outcomes = service.bulk([ready(0, "first", "kim"), *crowd(apart), ready(999, "second", "kim")])
    error = outcomes[-1].error
    assert isinstance(error, DuplicateSubject)
    assert [one.subject_id for one in error.candidates] == ["first"]
    assert error.candidates[0].similarity == pytest.approx(1.0)
    assert set(results(outcomes[:-1])) == {"enrolled"}


def test_duplicate_of_the_gallery_is_refused(service: Service) -> None:
    service.enroll("kim", given(face_of("kim")))
    assert results(service.bulk([ready(1, "eve", "kim")])) == ["duplicate_subject"]
    assert enrolled(service) == ["kim"]


def test_nobody_is_the_duplicate_of_somebody_refused(service: Service) -> None:
    """b is like a and c is like b, but c is not like a: b is refused, so c may come in."""
    a = face_of("a")
    faces = {"a": a, "b": at_cosine(a, 0.6, "side"), "c": at_cosine(a, 0.1, "side")}
    assert faces["b"] @ faces["c"] > 0.4
    rows = [
        Row(Place(Unit.LINE, number), name, given(face))
        for number, (name, face) in enumerate(faces.items(), 1)
    ]
    assert results(service.bulk(rows)) == ["enrolled", "duplicate_subject", "enrolled"]


def test_duplicates_are_flagged_or_allowed_where_asked(service: Service) -> None:
    rows = [ready(1, "kim"), ready(2, "eve", "kim"), ready(3, "zoe", "kim")]
    flagged = service.bulk(rows, on_duplicate=FLAG)
    assert [one.result for one in flagged] == [Result.ENROLLED, Result.FLAGGED, Result.FLAGGED]
    assert [one.subject_id for one in flagged[2].candidates] == ["eve", "kim"]
    allowed = service.bulk([ready(1, "max", "kim")], on_duplicate=ALLOW)
    assert results(allowed) == ["enrolled"]


def test_bulk_of_who_may_only_enroll_is_not_laxer_than_the_collection(service: Service) -> None:
    enroller = replace(KEY_HOLDER, scopes=frozenset({Scope.ENROLL, Scope.EMBEDDING}))
    rows = [ready(1, "kim"), ready(2, "eve", "kim")]
    refused = service.bulk(rows, on_duplicate=ALLOW, caller=enroller)
    assert results(refused) == ["enrolled", "duplicate_subject"]


def test_bulk_of_vectors_needs_the_scope_for_them(service: Service) -> None:
    enroller = replace(KEY_HOLDER, scopes=frozenset({Scope.ENROLL}))
    assert results(service.bulk([ready(1, "kim")], caller=enroller)) == ["not_allowed"]


def test_policy_and_profile_are_the_collections_own(service: Service) -> None:
    service.put(duplicate_policy=FLAG, duplicate_profile="conservative")
    near = Row(Place(Unit.LINE, 2), "eve", given(at_cosine(face_of("kim"), 0.42)))
    assert results(service.bulk([ready(1, "kim"), near])) == ["enrolled", "enrolled"]
    same = Row(Place(Unit.LINE, 3), "zoe", given(at_cosine(face_of("kim"), 0.42, "z")))
    assert results(service.bulk([same], profile="balanced")) == ["flagged"]


def test_broken_rows_are_refused_and_the_rest_is_enrolled(service: Service) -> None:
    short = Row(Place(Unit.LINE, 3), "short", given(face_of("short")[:100]))
    long = Row(Place(Unit.LINE, 4), "long", given(face_of("long") * 2))
    rows: list[BulkRow] = [
        RefusedRow(Place(Unit.LINE, 1), InvalidRequest()),
        pictured(2, "unreadable", "unreadable"),
        short,
        long,
        pictured(5, "two", "amy", "bob"),
        ready(6, "late", expires_at=service.clock.now),
        ready(7, "kim"),
    ]
    assert results(service.bulk(rows)) == [
        *("invalid_request", "no_usable_face", "invalid_embedding", "invalid_embedding"),
        *("inconsistent_images", "invalid_request", "enrolled"),
    ]
    assert enrolled(service) == ["kim"]


def test_person_whose_time_was_over_is_enrolled_anew(service: Service) -> None:
    service.enroll("kim", given(face_of("kim")), expires_at=service.clock.now + timedelta(days=1))
    service.clock.advance(timedelta(days=2))
    assert results(service.bulk([ready(1, "kim", "other")])) == ["enrolled"]
    assert service.verify("kim", given(face_of("other"))).decision.match


def test_what_holds_for_every_row_is_said_before_the_first(
    service: Service, restarted: Any
) -> None:
    with pytest.raises(CollectionNotFound):
        service.bulk(UnreadSource(), collection="nowhere")
    with pytest.raises(ProfileNotFound):
        service.bulk(UnreadSource(), profile="unheard-of")
    service.bulk([ready(1, "kim")])
    with pytest.raises(ModelMismatch):
        restarted("another").bulk(UnreadSource())


def test_everybody_before_the_place_where_a_source_breaks_off_is_enrolled(service: Service) -> None:
    def breaking() -> Iterator[BulkRow]:
        yield from crowd()
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        service.bulk(breaking(), on_duplicate=ALLOW)
    assert len(enrolled(service)) == AS_MANY


def test_batch_that_fails_is_not_written_at_all(service: Service, tables: Tables) -> None:
    """The last of its statements fails: the audit log's head is gone."""
    service.bulk([ready(1, "kim")])
    with tables.unguarded() as connection:
        connection.exec_driver_sql("DELETE FROM audit_head")
    with pytest.raises(Exception, match="audit_tampered"):
        service.bulk(crowd(3))
    assert [row["subject_id"] for row in tables.rows("SELECT * FROM subjects")] == ["kim"]


def test_batch_waits_for_others_and_is_tried_again(service: Service) -> None:
    waits: list[float] = []

    class OverloadedBatch:
        tries = 0

        def require_possible(self, _: object) -> None: ...

        def get_ready(self, _: object, __: object) -> None:
            """Reading who is enrolled may have to wait as well."""
            if not self.tries:
                self.tries += 1
                raise Overloaded

        def __call__(self, _: object, __: object) -> list[BulkOutcome]:
            self.tries += 1
            if self.tries < 3:
                raise Overloaded
            return [BulkOutcome(Place(Unit.LINE, 1), "kim", Result.ENROLLED)]

    busy: Any = OverloadedBatch()
    bulk = BulkEnroll(service.storage, busy, service.clock, sleep=waits.append)
    embed: Any = iter
    done = list(bulk(BulkRequest("default", KEY_HOLDER), [ready(1, "kim")], embed))
    assert (results(done[0]), waits) == (["enrolled"], [1, 1])


def test_reading_who_is_enrolled_makes_no_batch_smaller(service: Service) -> None:
    """It takes seconds where there are many, and keeps nobody waiting."""
    seconds, sizes = [0.0], []

    class Ready:
        def require_possible(self, _: object) -> None: ...

        def get_ready(self, _: object, __: object) -> None:
            seconds[0] += 60

        def __call__(self, _: object, part: Sequence[Any]) -> list[BulkOutcome]:
            sizes.append(len(part))
            return []

    enroll: Any = Ready()
    bulk = BulkEnroll(service.storage, enroll, service.clock, timer=lambda: seconds[0])
    embed: Any = iter
    list(bulk(BulkRequest("default", KEY_HOLDER), crowd(150), embed))
    assert sizes == [50, 100]


def test_transactions_take_as_many_rows_as_fit_into_a_second() -> None:
    pace, moments = Pace(), iter([0.0, 0.1, 1.0, 1.2, 2.0, 12.0])
    took = []
    for _ in range(3):
        with pace.of(pace.rows, lambda: next(moments)):
            pass
        took.append(pace.rows)
    assert took == [100, 200, 20]
