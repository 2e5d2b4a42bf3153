"""Two who look alike, flagged and decided about, as callers do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from service.domain.collection import DuplicatePolicy
from service.domain.flagged_duplicate import DuplicateDecision, FlaggedDuplicate, FlagStatus
from service.usecases.enrollment import Mode
from service.usecases.flagged_duplicates import ResolveRequest
from tests.usecases.service_process import CALLER, DEFAULT, Service

FLAG = DuplicatePolicy.FLAG
OPEN, RESOLVED = FlagStatus.OPEN, FlagStatus.RESOLVED
SAME, DIFFERENT = DuplicateDecision.SAME_PERSON, DuplicateDecision.DIFFERENT_PEOPLE
KIM, TWIN = "kim:1", "kim:2"
"""Photographs of two who look alike: a cosine of 0.64."""


def flagged(service: Service, status: FlagStatus = OPEN, **where: Any) -> list[FlaggedDuplicate]:
    asked = {"collection_name": DEFAULT, "limit": 50, "after": None, **where}
    return list(service.wiring.list_duplicates(status=status, **asked).duplicates)


def pairs(service: Service, status: FlagStatus = OPEN) -> list[tuple[str, str]]:
    return [(one.subject_id, one.duplicate_of) for one in flagged(service, status)]


def resolve(
    service: Service,
    decision: DuplicateDecision = DIFFERENT,
    duplicate_id: UUID | None = None,
    *,
    force: bool = False,
    caller: str = CALLER,
) -> FlaggedDuplicate:
    its_id = duplicate_id or flagged(service)[0].duplicate_id
    return service.wiring.resolve_duplicate(
        ResolveRequest(its_id, decision, DEFAULT, caller, force)
    )


def replace(service: Service, subject: str, photo: str, **fields: Any) -> list[str]:
    """Whom the duplicate check names."""
    enrolled = service.enroll(subject, photo, mode=Mode.REPLACE, **fields)
    return [one.subject_id for one in enrolled.duplicates]


def enroll_twins(service: Service) -> None:
    service.enroll("kim", KIM)
    service.clock.now += timedelta(hours=1)
    service.enroll("twin", TWIN, on_duplicate=FLAG)
    service.clock.now += timedelta(hours=1)
