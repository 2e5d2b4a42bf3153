"""An enrollment that fails at any step leaves the database as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.domain.collection import DuplicatePolicy
from service.storage.audit_log import AuditLog
from service.storage.collections import CollectionRows
from service.storage.failed_comparisons import FailedComparisons
from service.storage.idempotency import IdempotentResponses
from service.storage.subjects import SubjectRows
from service.storage.templates import TemplateRows
from service.usecases.enrollment import Mode
from tests.usecases.service_process import DEFAULT, Service, Tables


class DiskFull(Exception):
    """What goes wrong in these tests."""


REPOSITORIES = {
    "audit": AuditLog,
    "collections": CollectionRows,
    "failed_comparisons": FailedComparisons,
    "idempotency": IdempotentResponses,
    "subjects": SubjectRows,
    "templates": TemplateRows,
}


@contextmanager
def disk_full_at(step: str) -> Iterator[None]:
    """Within the block one method of storage fails: `audit.append`, say."""

    def fail(*_: object, **__: object) -> None:
        raise DiskFull

    repository, method = step.split(".")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(REPOSITORIES[repository], method, fail)
        yield


CREATE_STEPS = [
    "collections.lock",
    "collections.update",
    "subjects.find_or_expired",
    "templates.listed",
    "subjects.add",
    "templates.add_all",
    "audit.append",
    "idempotency.add",
]
CHANGE_STEPS = [
    "failed_comparisons.subject_for_comparison",
    "subjects.find_locked",
    "templates.delete_of",
    "subjects.update",
    "templates.add_all",
    "audit.append",
    "idempotency.add",
]


@pytest.mark.parametrize("step", CREATE_STEPS)
def test_failed_enrollment_leaves_no_trace(service: Service, tables: Tables, step: str) -> None:
    before = tables.content()
    with disk_full_at(step), pytest.raises(DiskFull):
        service.enroll("kim", "kim:1", metadata={"door": 1}, idempotency_key="1")
    assert tables.content() == before


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
@pytest.mark.parametrize("step", CHANGE_STEPS)
def test_failed_change_keeps_the_old_template(
    service: Service, tables: Tables, step: str, mode: Mode
) -> None:
    service.enroll("kim", "kim:1", metadata={"door": 1})
    before = tables.content()
    with disk_full_at(step), pytest.raises(DiskFull):
        service.enroll("kim", "kim:2", mode=mode, metadata={"door": 2}, idempotency_key="1")
    assert tables.content() == before


@pytest.mark.parametrize("step", ["subjects.delete", "audit.append"])
def test_failed_erasure_keeps_the_person(service: Service, tables: Tables, step: str) -> None:
    service.enroll("kim", "kim:1")
    before = tables.content()
    with disk_full_at(step), pytest.raises(DiskFull):
        service.erase("kim")
    assert tables.content() == before


@pytest.mark.parametrize("step", ["collections.add", "audit.append"])
def test_failed_deletion_of_the_default_keeps_its_people(
    service: Service, tables: Tables, step: str
) -> None:
    service.enroll("kim", "kim:1")
    before = tables.content()
    with disk_full_at(step), pytest.raises(DiskFull):
        service.collections.delete(DEFAULT, "till")
    assert tables.content() == before


def test_lock_is_released_by_a_failure(service: Service) -> None:
    with disk_full_at("audit.append"), pytest.raises(DiskFull):
        service.enroll("kim", "kim:1")
    assert service.enroll("kim", "kim:1", on_duplicate=DuplicatePolicy.REJECT).duplicates == []
