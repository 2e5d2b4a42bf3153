"""An enrollment that fails at any step leaves the database as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from service.domain.callers import ApiKey
from service.domain.collection import DuplicatePolicy
from service.domain.ports import KeyGallery, Transaction
from service.usecases.enrollment import Mode
from tests.usecases.desk import DEFAULT, Desk, Tables


class DiskFull(Exception):
    """What goes wrong in these tests."""


class FailingRepository:
    """The real one, but for one method."""

    def __init__(self, real: object, method: str) -> None:
        self._real = real
        self._method = method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            raise DiskFull
        return getattr(self._real, name)


class FailingGallery:
    """The real gallery, failing at one step: `audit.append`, say."""

    def __init__(self, real: KeyGallery, step: str) -> None:
        self._real = real
        self._repository, self._method = step.split(".")

    @contextmanager
    def transaction(self, *waits_for: str) -> Iterator[Transaction]:
        with self._real.transaction(*waits_for) as tx:
            real = getattr(tx, self._repository)
            setattr(tx, self._repository, FailingRepository(real, self._method))
            yield tx

    def check(self) -> None:
        self._real.check()

    def find_api_key(self, key_id: str) -> tuple[ApiKey, bytes] | None:
        return self._real.find_api_key(key_id)


CREATE_STEPS = [
    "collections.lock",
    "collections.update",
    "subjects.find",
    "templates.listed",
    "subjects.add",
    "templates.add",
    "audit.append",
    "answers.add",
]
REPLACE_STEPS = [
    "failed_comparisons.subject",
    "templates.delete_of",
    "subjects.update",
    "templates.add",
    "audit.append",
    "answers.add",
]


def _failing(desk: Desk, step: str) -> Desk:
    return replace(desk, storage=FailingGallery(desk.storage, step))


@pytest.mark.parametrize("step", CREATE_STEPS)
def test_failed_enrollment_leaves_no_trace(desk: Desk, tables: Tables, step: str) -> None:
    before = tables.content()
    with pytest.raises(DiskFull):
        _failing(desk, step).enroll("kim", "kim:1", metadata={"door": 1}, idempotency_key="1")
    assert tables.content() == before


@pytest.mark.parametrize("step", REPLACE_STEPS)
def test_failed_replacement_keeps_the_old_template(desk: Desk, tables: Tables, step: str) -> None:
    desk.enroll("kim", "kim:1", metadata={"door": 1})
    before = tables.content()
    with pytest.raises(DiskFull):
        _failing(desk, step).enroll(
            "kim", "kim:2", mode=Mode.REPLACE, metadata={"door": 2}, idempotency_key="1"
        )
    assert tables.content() == before


@pytest.mark.parametrize("step", ["subjects.delete", "audit.append"])
def test_failed_erasure_keeps_the_person(desk: Desk, tables: Tables, step: str) -> None:
    desk.enroll("kim", "kim:1")
    before = tables.content()
    with pytest.raises(DiskFull):
        _failing(desk, step).erase("kim")
    assert tables.content() == before


@pytest.mark.parametrize("step", ["collections.add", "audit.append"])
def test_failed_deletion_of_the_default_keeps_its_people(
    desk: Desk, tables: Tables, step: str
) -> None:
    desk.enroll("kim", "kim:1")
    before = tables.content()
    with pytest.raises(DiskFull):
        _failing(desk, step).collections.delete(DEFAULT, "till")
    assert tables.content() == before


def test_lock_is_released_by_a_failure(desk: Desk) -> None:
    with pytest.raises(DiskFull):
        _failing(desk, "audit.append").enroll("kim", "kim:1")
    assert desk.enroll("kim", "kim:1", on_duplicate=DuplicatePolicy.REJECT).duplicates == []
