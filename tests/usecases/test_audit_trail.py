"""Every change is written down, in the transaction that makes it; nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.domain.callers import Scope
from service.domain.errors import FaceError
from service.usecases.enrollment import Mode
from tests.usecases.desk import CALLER, DEFAULT, Desk, Tables

PSEUDONYM_BYTES = 32


def _pseudonym(desk: Desk, subject_id: str) -> bytes:
    collection = desk.collections.show(DEFAULT).collection
    names = desk.vault.unlock_names(collection.collection_id, collection.keys)
    return names.pseudonym(subject_id)


def test_life_of_a_person_is_written_down_in_order(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", "kim:1")
    desk.enroll("kim", "kim:2", mode=Mode.ADD)
    desk.enroll("kim", "kim:3", mode=Mode.REPLACE)
    desk.erase("kim")
    rows = tables.rows("SELECT * FROM audit ORDER BY sequence")
    assert [row["action"] for row in rows] == ["enroll", "add", "replace", "erase"]
    assert {row["subject"] for row in rows} == {_pseudonym(desk, "kim")}
    assert {(row["caller"], row["collection"], row["at"]) for row in rows} == {
        (CALLER, DEFAULT, desk.clock.now)
    }


def test_subject_is_a_keyed_hash_and_never_the_name(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", "kim:1")
    desk.enroll("lee", "lee:1")
    first, second = tables.rows("SELECT * FROM audit")
    assert first["subject"] != second["subject"]
    assert len(first["subject"]) == PSEUDONYM_BYTES
    assert "kim" not in repr(first)


def test_hash_of_one_name_differs_between_collections(desk: Desk, tables: Tables) -> None:
    desk.put("shop")
    for collection in (DEFAULT, "shop"):
        desk.enroll("kim", "kim:1", collection=collection)
    rows = tables.rows("SELECT subject FROM audit WHERE action = 'enroll'")
    assert len({row["subject"] for row in rows}) == 2


def test_changes_of_collections_and_keys_are_written_down(desk: Desk, tables: Tables) -> None:
    desk.put("shop")
    desk.collections.delete("shop", CALLER)
    desk.api_keys.create("till", [Scope.VERIFY], caller="office")
    desk.api_keys.revoke("till", caller="office")
    rows = tables.rows("SELECT action, caller, collection FROM audit ORDER BY sequence")
    assert [tuple(row.values()) for row in rows] == [
        ("collection_set", CALLER, "shop"),
        ("collection_erase", CALLER, "shop"),
        ("api_key_create", "office", None),
        ("api_key_revoke", "office", None),
    ]


FAILURES: dict[str, Callable[[Desk], object]] = {
    "name that is taken": lambda desk: desk.enroll("kim", "kim:2"),
    "stranger": lambda desk: desk.enroll("kim", "lee:1", mode=Mode.ADD),
    "duplicate": lambda desk: desk.enroll("kim2", "kim:1"),
    "no face": lambda desk: desk.enroll("lee", "no_face"),
    "nobody to erase": lambda desk: desk.erase("lee"),
    "no such profile": lambda desk: desk.put("shop", duplicate_profile="paranoid"),
    "no such collection": lambda desk: desk.collections.delete("nowhere", CALLER),
    "key that exists": lambda desk: desk.api_keys.create("till", [Scope.TOKEN]),
    "no such key": lambda desk: desk.api_keys.revoke("door"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_failed_is_not_written_down(desk: Desk, tables: Tables, failure: str) -> None:
    desk.enroll("kim", "kim:1")
    desk.api_keys.create("till", [Scope.TOKEN])
    before = tables.content()["audit"]
    with pytest.raises(FaceError):
        FAILURES[failure](desk)
    assert tables.content()["audit"] == before


def test_questions_are_not_written_down(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", "kim:1")
    before = tables.content()["audit"]
    desk.verify("kim", "lee:1")
    desk.search("kim:1")
    desk.subjects.show("kim", DEFAULT)
    assert tables.content()["audit"] == before
