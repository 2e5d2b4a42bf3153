"""A change that is committed between two statements of a reader is no alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest

from service.domain.errors import SubjectNotFound
from service.storage.flagged_duplicates import FlaggedDuplicateRows, StoredFlag
from service.storage.subjects import SubjectProof
from service.usecases.enrollment import Mode
from tests.usecases.lookalikes import RESOLVED, SAME, enroll_twins, flagged, resolve
from tests.usecases.service_process import Service

KIM = "kim-minji"


def happening(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """`change` is made when somebody's row is read and the log is not, the next time."""
    look, due = SubjectProof._last, [change]

    def last(proof: SubjectProof, changes: Iterable[UUID | None]) -> set[UUID]:
        if due:
            due.pop()()
        return look(proof, changes)

    monkeypatch.setattr(SubjectProof, "_last", last)


@pytest.fixture
def enrolled(service: Service) -> Service:
    service.enroll(KIM, "kim")
    return service


def test_search_sees_somebody_who_is_enrolled_anew(
    enrolled: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    happening(monkeypatch, lambda: enrolled.enroll(KIM, "kim", mode=Mode.ADD))
    assert enrolled.found("kim") == [KIM]


def test_search_passes_over_somebody_who_is_erased(
    enrolled: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    happening(monkeypatch, lambda: enrolled.erase(KIM))
    assert enrolled.found("kim") == []


def test_verification_does_not_find_somebody_who_is_erased(
    enrolled: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    happening(monkeypatch, lambda: enrolled.erase(KIM))
    with pytest.raises(SubjectNotFound):
        enrolled.verify(KIM, "kim")


def test_list_of_lookalikes_is_read_again_where_somebody_decides(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enroll_twins(service)
    its_id = flagged(service)[0].duplicate_id
    due, look = [lambda: resolve(service, SAME, its_id)], FlaggedDuplicateRows.page

    def page(rows: FlaggedDuplicateRows, *where: Any) -> list[StoredFlag]:
        found = look(rows, *where)
        if due:
            due.pop()()
        return found

    monkeypatch.setattr(FlaggedDuplicateRows, "page", page)
    assert flagged(service) == []
    assert "record_tampered" not in caplog.text
    assert len(flagged(service, RESOLVED)) == 1
