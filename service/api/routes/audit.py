"""What was done, by whom, and what was refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field

from service.api.auth import AdminCaller, AllUseCases
from service.api.models import Between, Camel, CollectionName, Moment, SubjectId, printable
from service.api.openapi import PROBLEMS, example
from service.domain.audit import AuditQuery, AuditRecord
from service.usecases.audit import AuditPage

router = APIRouter(prefix="/admin/audit", tags=["audit"], responses=PROBLEMS)

DEFAULT_PAGE, LARGEST_PAGE = 50, 500
LARGEST_NUMBER = 2**63 - 1

ActionName = Annotated[str, Field(max_length=100), AfterValidator(printable)]
"""Of what was done, or method and route of what was refused."""


class AuditRecordAnswer(Camel):
    """`subject`: the person as a keyed hash, hexadecimal. `digest`: None before the chain began."""

    sequence: int
    audit_id: UUID
    at: datetime
    caller: str
    action: str
    collection: str | None
    subject: str | None
    outcome: str
    request_id: str | None
    digest: str | None


class AuditList(Camel):
    records: list[AuditRecordAnswer]
    next_cursor: int | None


_RECORD = {
    "sequence": 42,
    "auditId": "0d4c9d0a-3a57-4a3c-9a39-5e1c5c0c8c55",
    "at": "2026-01-01T09:00:00Z",
    "caller": "till",
    "action": "enroll",
    "collection": "default",
    "subject": "9f86d081884c7d65...",
    "outcome": "duplicate_subject",
    "requestId": "5f0c1c7e6b1f4f0f8f5a",
    "digest": "2c26b46b68ffc68f...",
}


@router.get("", responses=example({"records": [_RECORD], "nextCursor": 42}))
def list_audit(
    caller: AdminCaller,
    use_cases: AllUseCases,
    action: Annotated[ActionName | None, Query()] = None,
    collection: Annotated[CollectionName | None, Query()] = None,
    subject_id: Annotated[SubjectId | None, Query(alias="subjectId")] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    limit: Annotated[int, Query(), Between(1, LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[int | None, Query(), Between(1, LARGEST_NUMBER)] = None,
) -> AuditList:
    """The audit log, newest first, a page at a time.

    A key that is bound to collections sees only what concerns them. `subjectId` needs `collection`:
    the log has people as keyed hashes, and each collection has its own key.
    """
    if collection is not None:
        caller.require_collection(collection)
    query = AuditQuery(action, collection, caller.collections, None, since, until)
    return audit_list(use_cases.list_audit(query, limit, cursor, subject_id))


def audit_list(page: AuditPage) -> AuditList:
    records = [_audit_record(record) for record in page.records]
    return AuditList(records=records, next_cursor=page.next_cursor)


def _audit_record(record: AuditRecord) -> AuditRecordAnswer:
    entry = record.entry
    return AuditRecordAnswer(
        sequence=record.sequence,
        audit_id=entry.audit_id,
        at=entry.at,
        caller=entry.caller,
        action=entry.action,
        collection=entry.collection,
        subject=entry.subject.hex() if entry.subject else None,
        outcome=entry.outcome,
        request_id=entry.request_id,
        digest=record.digest.hex(),
    )
