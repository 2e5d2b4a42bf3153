"""Whoever writes to the database, without the master key, opens nobody a way around a duplicate check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from service.domain.errors import DuplicateSubject, RecordTampered
from service.domain.integrity import RecordFlaw
from tests.usecases.lookalikes import (
    DIFFERENT,
    FLAG,
    KIM,
    RESOLVED,
    SAME,
    TWIN,
    flagged,
    pairs,
    replace,
    resolve,
)
from tests.usecases.service_process import Service, Tables
from tests.usecases.test_put_back import State, flaws, put_back

Rows = Mapping[str, Any]
DECIDED = (
    "decision = 'different_people', decided_at = flagged_at, decided_by = 'till', decisions = 1"
)


def named(service: Service, subject: str, photo: str) -> list[str]:
    """Whom a check that rejects names."""
    with pytest.raises(DuplicateSubject) as refused:
        replace(service, subject, photo)
    return [one.subject_id for one in refused.value.candidates]


def _decide(service: Service, tables: Tables) -> None:
    tables.change(f"UPDATE flagged_duplicates SET {DECIDED}")


def _take_the_seal_of_a_decision(service: Service, tables: Tables) -> None:
    """That about two others."""
    service.enroll("lee", "lee:1")
    service.enroll("lee2", "lee:2", on_duplicate=FLAG)
    (lees,) = [one for one in flagged(service) if one.subject_id == "lee2"]
    resolve(service, DIFFERENT, lees.duplicate_id)
    tables.change(
        "UPDATE flagged_duplicates SET decision = lees.decision, decided_at = lees.decided_at,"
        " decided_by = lees.decided_by, decisions = lees.decisions, seal = lees.seal,"
        " duplicate_id = lees.duplicate_id, similarity = lees.similarity,"
        " flagged_at = lees.flagged_at FROM flagged_duplicates lees"
        " WHERE lees.subject_id = 'lee2' AND flagged_duplicates.subject_id = 'twin'"
    )


def _insert_a_decision(service: Service, tables: Tables) -> None:
    tables.change(
        "INSERT INTO flagged_duplicates SELECT collection_id, duplicate_of, subject_id,"
        " gen_random_uuid(), similarity, flagged_at, 'different_people', flagged_at, 'till', 1, seal"
        " FROM flagged_duplicates"
    )


def _exchange_the_two(service: Service, tables: Tables) -> None:
    """Of a decision about the twin and somebody else."""
    service.enroll("third", "kim:3", on_duplicate=FLAG)
    (one,) = [each for each in flagged(service) if each.pair == {"third", "twin"}]
    resolve(service, DIFFERENT, one.duplicate_id)
    tables.change("DELETE FROM flagged_duplicates WHERE duplicate_of = 'kim'")
    tables.change(
        "UPDATE flagged_duplicates SET subject_id = 'twin', duplicate_of = 'kim'"
        " WHERE duplicate_of = 'twin'"
    )
    service.erase("third")


FORGERIES: dict[str, Callable[[Service, Tables], None]] = {
    "a decision": _decide,
    "the seal of another decision": _take_the_seal_of_a_decision,
    "a row": _insert_a_decision,
    "other people": _exchange_the_two,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_decision_decides_nothing_and_is_found(
    twins: Service, tables: Tables, caplog: pytest.LogCaptureFixture, forgery: str
) -> None:
    FORGERIES[forgery](twins, tables)
    assert "record_tampered" not in caplog.text
    assert named(twins, "twin", TWIN) == ["kim"]
    assert named(twins, "kim", KIM) == ["twin"]
    assert "record_tampered: 1 flagged duplicates" in caplog.text
    assert ("twin", "kim") not in pairs(twins, RESOLVED)
    assert flaws(twins) == {RecordFlaw.CHANGED}


def test_altered_row_is_neither_listed_nor_decided_about(twins: Service, tables: Tables) -> None:
    (one,) = flagged(twins)
    tables.change("UPDATE flagged_duplicates SET similarity = 0.41")
    assert flagged(twins) == []
    with pytest.raises(RecordTampered):
        resolve(twins, SAME, one.duplicate_id)


def test_copy_beside_a_row_hides_nothing(twins: Service, tables: Tables) -> None:
    (one,) = flagged(twins)
    tables.change(
        "INSERT INTO flagged_duplicates SELECT collection_id, duplicate_of, subject_id, duplicate_id,"
        " similarity, flagged_at, NULL, NULL, NULL, 0, seal FROM flagged_duplicates"
    )
    assert flagged(twins) == [one]
    resolve(twins, SAME, one.duplicate_id)
    assert pairs(twins, RESOLVED) == [("twin", "kim")]


def test_altered_row_is_flagged_anew(twins: Service, tables: Tables) -> None:
    tables.change(f"UPDATE flagged_duplicates SET {DECIDED}")
    assert replace(twins, "kim", KIM, on_duplicate=FLAG) == ["twin"]
    assert pairs(twins) == [("kim", "twin")]
    assert flaws(twins) == set()


FLAGS = ("flagged_duplicates",)


def test_decision_that_was_overruled_cannot_be_put_back(twins: Service, tables: Tables) -> None:
    its_id = resolve(twins).duplicate_id
    before: State = tables.content()
    resolve(twins, SAME, its_id, force=True)
    put_back(tables, before, *FLAGS)
    assert named(twins, "twin", TWIN) == ["kim"]
    assert flagged(twins, RESOLVED) == []
    assert flaws(twins) == {RecordFlaw.CHANGED}


def test_undecided_row_put_back_is_found(twins: Service, tables: Tables) -> None:
    before = tables.content()
    resolve(twins, SAME)
    put_back(tables, before, *FLAGS)
    assert flagged(twins) == []
    assert flaws(twins) == {RecordFlaw.CHANGED}


@pytest.mark.parametrize(("gone", "photo"), [("kim", KIM), ("twin", TWIN)])
def test_decision_about_who_is_gone_cannot_be_put_back(
    twins: Service, tables: Tables, gone: str, photo: str
) -> None:
    resolve(twins)
    before = tables.content()
    twins.erase(gone)
    twins.clock.now += timedelta(hours=1)
    twins.enroll(gone, photo, on_duplicate=FLAG)  # somebody else, by the same name
    put_back(tables, before, *FLAGS)
    assert named(twins, "twin", TWIN) == ["kim"]
    assert named(twins, "kim", KIM) == ["twin"]
    assert flaws(twins) == {RecordFlaw.CHANGED}


def test_decision_of_another_collection_decides_nothing(twins: Service, tables: Tables) -> None:
    resolve(twins)
    twins.put("shop")
    for name, photo in (("kim", KIM), ("twin", TWIN)):
        twins.enroll(name, photo, collection="shop", on_duplicate=FLAG)
    tables.change("DELETE FROM flagged_duplicates WHERE decision IS NULL")
    tables.change(
        "UPDATE flagged_duplicates SET collection_id = collections.collection_id FROM collections"
        " WHERE collections.name = 'shop'"
    )
    with pytest.raises(DuplicateSubject):
        replace(twins, "twin", TWIN, collection="shop")
