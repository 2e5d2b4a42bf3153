"""Who was flagged is kept until a person has decided; people who were decided to be different are named
for each other no more.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from service.domain.callers import Caller, Scope
from service.domain.collection import DuplicatePolicy
from service.domain.errors import (
    CollectionNotFound,
    DuplicateNotFound,
    DuplicateResolved,
    DuplicateSubject,
)
from service.domain.flagged_duplicate import (
    FlaggedDuplicate,
    FlagPlace,
)
from service.usecases.audit import VerifyAudit
from service.usecases.enrollment import Mode
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.lookalikes import (
    DIFFERENT,
    FLAG,
    KIM,
    OPEN,
    RESOLVED,
    SAME,
    TWIN,
    flagged,
    pairs,
    replace,
    resolve,
)
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import NextEngine
from tests.usecases.test_bulk import pictured
from tests.usecases.test_put_back import rotate


@pytest.fixture
def decided(twins: Service) -> Service:
    resolve(twins)
    return twins


def test_flagged_enrollment_is_kept(twins: Service) -> None:
    (one,) = flagged(twins)
    assert (one.subject_id, one.duplicate_of, one.resolution) == ("twin", "kim", None)
    assert one.similarity == pytest.approx(0.64, abs=0.05)
    assert one.flagged_at == twins.clock.now - timedelta(hours=1)
    assert flagged(twins, RESOLVED) == []


def test_what_is_rejected_allowed_or_nobodys_likeness_is_not_kept(service: Service) -> None:
    service.enroll("kim", KIM)
    with pytest.raises(DuplicateSubject):
        service.enroll("twin", TWIN)
    service.enroll("twin", TWIN, on_duplicate=DuplicatePolicy.ALLOW)
    service.enroll("lee", "lee", on_duplicate=FLAG)
    assert flagged(service) == []


def test_key_without_admin_flags_nobody_where_the_collection_rejects(service: Service) -> None:
    service.enroll("kim", KIM)
    till = Caller("till", frozenset({Scope.ENROLL}))
    with pytest.raises(DuplicateSubject):
        service.enroll("twin", TWIN, on_duplicate=FLAG, caller=till)
    assert flagged(service) == []


def test_retry_of_a_flagged_enrollment_flags_once(service: Service) -> None:
    service.enroll("kim", KIM)
    for _ in range(2):
        service.enroll("twin", TWIN, on_duplicate=FLAG, idempotency_key="1")
    assert pairs(service) == [("twin", "kim")]


def test_pair_is_flagged_once_whoever_is_enrolled_again(twins: Service) -> None:
    (before,) = flagged(twins)
    assert replace(twins, "twin", TWIN, on_duplicate=FLAG) == ["kim"]
    assert replace(twins, "kim", KIM, on_duplicate=FLAG) == ["twin"]
    twins.enroll("kim", "kim:3", mode=Mode.ADD, on_duplicate=FLAG)
    assert flagged(twins) == [before]


def test_bulk_run_keeps_whom_it_flags(service: Service) -> None:
    service.enroll("kim", KIM)
    rows = [pictured(1, "twin", TWIN), pictured(2, "third", "kim:3"), pictured(3, "lee")]
    service.bulk(rows, on_duplicate=FLAG)
    assert set(pairs(service)) == {("twin", "kim"), ("third", "kim"), ("third", "twin")}
    for each in flagged(service):
        resolve(service, DIFFERENT, each.duplicate_id)
    assert len(pairs(service, RESOLVED)) == 3


def test_decision_is_kept_with_who_made_it(twins: Service) -> None:
    resolved = resolve(twins, SAME, caller="office")
    (one,) = flagged(twins, RESOLVED)
    assert one == resolved
    assert one.resolution is not None
    assert (one.resolution.decision, one.resolution.by) == (SAME, "office")
    assert one.resolution.at == twins.clock.now
    assert flagged(twins) == []


def test_decision_is_in_the_log_about_each_of_the_two(decided: Service, tables: Tables) -> None:
    resolve(decided, DIFFERENT, flagged(decided, RESOLVED)[0].duplicate_id)  # again: nothing
    rows = tables.rows("SELECT subject, outcome FROM audit WHERE action = 'duplicate_resolve'")
    assert [row["outcome"] for row in rows] == ["different_people"] * 2
    assert len({bytes(row["subject"]) for row in rows}) == 2
    for name in ("kim", "twin"):
        last = decided.export(name).audit[-2]
        assert (last.action, last.outcome) == ("duplicate_resolve", "different_people")


def test_refused_decision_is_in_the_log(twins: Service, tables: Tables) -> None:
    with pytest.raises(DuplicateNotFound):
        resolve(twins, SAME, uuid4())
    (row,) = tables.rows("SELECT outcome FROM audit WHERE action = 'duplicate_resolve'")
    assert row["outcome"] == "duplicate_not_found"


def test_twins_are_named_for_each_other_until_they_are_different(twins: Service) -> None:
    for subject, photo, other in (("twin", TWIN, "kim"), ("kim", KIM, "twin")):
        with pytest.raises(DuplicateSubject) as refused:
            replace(twins, subject, photo)
        assert [one.subject_id for one in refused.value.candidates] == [other]
    resolve(twins)
    assert replace(twins, "twin", TWIN) == replace(twins, "kim", KIM) == []
    assert twins.enroll("twin", "kim:4", mode=Mode.ADD).duplicates == []


def test_same_person_is_named_as_before(twins: Service) -> None:
    resolve(twins, SAME)
    assert replace(twins, "twin", TWIN, on_duplicate=FLAG) == ["kim"]
    assert flagged(twins) == []


def test_third_person_is_compared_with_both(decided: Service) -> None:
    with pytest.raises(DuplicateSubject) as refused:
        decided.enroll("third", "kim:3")
    assert {one.subject_id for one in refused.value.candidates} == {"kim", "twin"}
    assert set(decided.found("kim:3")) == {"kim", "twin"}
    decided.enroll("third", "kim:3", on_duplicate=FLAG)
    assert set(replace(decided, "twin", TWIN, on_duplicate=FLAG)) == {"third"}


def test_other_decision_needs_force(decided: Service) -> None:
    (before,) = flagged(decided, RESOLVED)
    with pytest.raises(DuplicateResolved):
        resolve(decided, SAME, before.duplicate_id)
    assert flagged(decided, RESOLVED) == [before]
    resolve(decided, SAME, before.duplicate_id, force=True)
    assert replace(decided, "twin", TWIN, on_duplicate=FLAG) == ["kim"]
    resolve(decided, DIFFERENT, before.duplicate_id, force=True)
    assert replace(decided, "twin", TWIN) == []


def test_of_two_decisions_at_once_one_holds(twins: Service) -> None:
    (one,) = flagged(twins)
    decisions = [SAME, DIFFERENT] * 3
    calls = [partial(resolve, twins, each, one.duplicate_id) for each in decisions]
    results = outcomes(calls)
    (kept,) = flagged(twins, RESOLVED)
    won = [result for result in results if isinstance(result, FlaggedDuplicate)]
    assert len(won) == 3
    assert set(won) == {kept}
    assert sum(isinstance(result, DuplicateResolved) for result in results) == 3


def test_flag_and_deletion_at_once_leave_no_flag_of_who_is_gone(service: Service) -> None:
    service.enroll("kim", KIM)
    flag = partial(service.enroll, "twin", TWIN, on_duplicate=FLAG)
    enrolled, _ = outcomes([flag, partial(service.erase, "kim")])
    assert len(enrolled.duplicates) in (0, 1)
    assert flagged(service) == []


def test_decision_and_deletion_at_once_leave_nothing(twins: Service, tables: Tables) -> None:
    (one,) = flagged(twins)
    outcomes([partial(resolve, twins, SAME, one.duplicate_id), partial(twins.erase, "kim")])
    assert tables.content()["flagged_duplicates"] == []


@pytest.mark.parametrize("gone", ["kim", "twin"])
def test_decision_goes_with_either_of_the_two(decided: Service, tables: Tables, gone: str) -> None:
    (one,) = flagged(decided, RESOLVED)
    photo = KIM if gone == "kim" else TWIN
    decided.erase(gone)
    assert tables.content()["flagged_duplicates"] == []
    with pytest.raises(DuplicateNotFound):
        resolve(decided, SAME, one.duplicate_id, force=True)
    with pytest.raises(DuplicateSubject):  # whoever has the name now is somebody else
        decided.enroll(gone, photo)


def test_decision_follows_either_of_the_two_to_another_id(decided: Service) -> None:
    decided.rename("kim", "lee")
    decided.rename("twin", "park")
    assert pairs(decided, RESOLVED) == [("park", "lee")]
    assert replace(decided, "lee", KIM) == replace(decided, "park", TWIN) == []
    assert VerifyAudit(decided.storage, decided.vault)().whole


def test_who_is_expired_is_neither_listed_nor_decided_about(service: Service) -> None:
    service.enroll("kim", KIM, expires_at=service.clock.now + timedelta(days=1))
    service.enroll("twin", TWIN, on_duplicate=FLAG)
    (one,) = flagged(service)
    service.clock.now += timedelta(days=2)
    assert flagged(service) == []
    with pytest.raises(DuplicateNotFound):
        resolve(service, SAME, one.duplicate_id)


def test_expired_person_who_is_enrolled_again_is_somebody_else(service: Service) -> None:
    service.enroll("twin", TWIN)
    service.enroll("kim", KIM, on_duplicate=FLAG, expires_at=service.clock.now + timedelta(days=1))
    resolve(service)
    service.clock.now += timedelta(days=2)
    with pytest.raises(DuplicateSubject):
        service.enroll("kim", KIM)


def test_collection_takes_its_flags_along(service: Service, tables: Tables) -> None:
    service.put("shop", duplicate_policy=FLAG)
    service.enroll("kim", KIM, collection="shop")
    service.enroll("twin", TWIN, collection="shop")
    assert len(flagged(service, collection_name="shop")) == 1
    assert flagged(service) == []
    (one,) = flagged(service, collection_name="shop")
    with pytest.raises(DuplicateNotFound):  # it is in another collection
        resolve(service, SAME, one.duplicate_id)
    service.collections.delete("shop", CALLER)
    assert tables.content()["flagged_duplicates"] == []
    with pytest.raises(CollectionNotFound):
        flagged(service, collection_name="shop")


def test_list_comes_newest_first_a_page_at_a_time(service: Service) -> None:
    service.put(duplicate_policy=FLAG)
    for number in range(5):
        service.enroll(f"p{number}", f"{number % 2}:{number}")
        service.clock.now += timedelta(seconds=number // 3)  # some at one moment
    everybody = flagged(service)
    moments = [one.flagged_at for one in everybody]
    assert moments == sorted(moments, reverse=True)
    service.erase("p0")  # of whom some pages hold more than others
    left = [one for one in everybody if "p0" not in one.pair]
    paged: list[FlaggedDuplicate] = []
    place: FlagPlace | None = None
    for _ in left:
        page = service.wiring.list_duplicates(DEFAULT, OPEN, 1, place)
        paged += page.duplicates
        place = page.next_place and FlagPlace.of(str(page.next_place))
    assert paged == left
    assert place is None


def test_export_tells_of_a_flag_and_names_nobody_else(decided: Service) -> None:
    for name in ("kim", "twin"):
        (one,) = decided.export(name).duplicates
        assert one.is_of_different_people


def test_decision_holds_after_a_rotation_and_by_both_models(service: Service) -> None:
    moving = Service(
        service.storage,
        service.vault,
        service.engine,
        service.capture,
        service.clock,
        next_engine=NextEngine(),
    )
    moving.enroll("kim", KIM)
    moving.move_model.begin(DEFAULT, CALLER)
    moving.enroll("twin", TWIN, on_duplicate=FLAG)
    assert moving.verify("kim", KIM).decision.match  # moved as well: both models name them
    resolve(moving)
    rotate(moving)
    assert replace(moving, "twin", TWIN) == replace(moving, "kim", KIM) == []


def test_decision_goes_along_to_another_id_and_stays_with_the_person(decided: Service) -> None:
    (before,) = flagged(decided, RESOLVED)
    decided.wiring.rename("kim", "kim-minji", DEFAULT, CALLER)
    (after,) = flagged(decided, RESOLVED)
    assert (after.duplicate_id, after.resolution) == (before.duplicate_id, before.resolution)
    assert after.pair == {"twin", "kim-minji"}
    assert replace(decided, "twin", TWIN) == replace(decided, "kim-minji", KIM) == []
    decided.enroll("kim", "kim:3", on_duplicate=FLAG)  # somebody new, by the old id
    assert set(replace(decided, "twin", TWIN, on_duplicate=FLAG)) == {"kim"}
    resolve(decided, SAME, before.duplicate_id, force=True)
    assert set(replace(decided, "twin", TWIN, on_duplicate=FLAG)) == {"kim", "kim-minji"}
