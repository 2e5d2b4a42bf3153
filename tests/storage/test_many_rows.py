"""Many rows written at once are the rows that would have been written one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from service.domain.errors import Overloaded
from service.storage.failures import QueryFailed
from service.storage.storage import Storage
from tests.storage.people import NOW, collection, subject, template, vectors

NAMES = [f"p{number}" for number in range(20)]


def test_subjects_and_templates_come_back_as_they_were(storage: Storage) -> None:
    kept = collection()
    made = [
        replace(subject(name, b"metadata"), consent=b"consent", expires_at=NOW + timedelta(9999))
        for name in NAMES
    ]
    rows = [template(name, vector) for name, vector in zip(NAMES, vectors(20), strict=True)]
    with storage.transaction() as tx:
        tx.collections.add(kept)
        made = [
            replace(one, template_ids=(row.template_id,))
            for one, row in zip(made, rows, strict=True)
        ]
        tx.subjects.add_all(kept, made)
        tx.templates.add_all(kept, rows)
    with storage.transaction() as tx:
        found = sorted(
            tx.subjects.page(kept, 100, None), key=lambda one: NAMES.index(one.subject_id)
        )
        assert found == made
        stored = {one.subject_id: one for one in tx.templates.of_all(kept, NAMES)}
    for row in rows:
        back = stored[row.subject_id]
        assert replace(back, search=row.search) == row
        halves = row.search.values.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(back.search.values, halves)


def test_nothing_to_write_is_no_error(storage: Storage) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
        tx.subjects.add_all(kept, [])
        tx.templates.add_all(kept, [])
        assert tx.subjects.existing(kept, []) == set()
        assert tx.templates.of_all(kept, []) == []


def test_those_who_are_enrolled_are_told_from_those_who_are_not(storage: Storage) -> None:
    kept, other = collection(), collection("other")
    expired = replace(subject("gone"), expires_at=NOW)
    with storage.transaction() as tx:
        for one in (kept, other):
            tx.collections.add(one)
        tx.subjects.add_all(kept, [subject("kim"), subject("lee"), expired])
        tx.subjects.add_all(other, [subject("eve")])
        assert tx.subjects.existing(kept, ["kim", "eve", "gone", "nobody"]) == {"kim"}
        assert tx.subjects.expired(kept, 10, among=["kim", "gone"]) == ["gone"]
        assert tx.subjects.expired(kept, 10, among=["kim"]) == []


def test_one_bad_row_refuses_all_of_them_and_its_content_is_not_told(
    storage: Storage,
) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
    with pytest.raises(QueryFailed) as failed, storage.transaction() as tx:
        tx.subjects.add_all(kept, [subject("kim"), subject("not a name")])
    assert "not a name" not in str(failed.value)
    with storage.transaction() as tx:
        assert tx.subjects.page(kept, 10, None) == []


def test_row_that_is_there_already_is_for_the_caller_to_try_again(storage: Storage) -> None:
    kept = collection()
    with storage.transaction() as tx:
        tx.collections.add(kept)
        tx.subjects.add(kept, subject("kim"))
    with pytest.raises(Overloaded), storage.transaction() as tx:
        tx.subjects.add_all(kept, [subject("lee"), subject("kim")])


def test_search_finds_rows_written_at_once(storage: Storage) -> None:
    kept, directions = collection(), vectors(20)
    with storage.transaction() as tx:
        tx.collections.add(kept)
        tx.subjects.add_all(kept, [subject(name) for name in NAMES])
        rows = [template(*each) for each in zip(NAMES, directions, strict=True)]
        tx.templates.add_all(kept, rows)
        (found,) = tx.templates.nearest(kept, {rows[7].space_id: directions[7]}, 0.9, 5)
    assert found.subject_id == "p7"
