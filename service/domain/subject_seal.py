"""What binds the row of an enrolled person: their terms, their templates, and the audit record of the
last change.

    seal = HMAC(key, collection, subject, enrolled, expires, what else is kept, templates, last change)

The audit log tells which change of a person was the last. So a row that was put back, be it an older
one of a person who is enrolled or one of a person who was deleted, is told by the log: its change is
not the last one. The key is the audit log's.
"""

from __future__ import annotations

from uuid import UUID

from service.domain.audit import Action
from service.domain.chain import Keyed, encoded, moment
from service.domain.collection import Subject

_SUBJECT = b"face/v1/subject-record"

ENROLLING = (Action.ENROLL, Action.ADD, Action.REPLACE)
"""After which a person is enrolled."""

CHANGES = (*ENROLLING, Action.ERASE, Action.CONSENT_WITHDRAWN, Action.EXPIRE)
"""What changes who is enrolled, and with which templates, where it is done."""


def subject_seal(collection_id: UUID, subject: Subject, keyed: Keyed) -> bytes:
    """32 bytes."""
    return keyed(
        encoded(
            _SUBJECT,
            collection_id.bytes,
            subject.subject_id.encode(),
            moment(subject.enrolled_at),
            None if subject.expires_at is None else moment(subject.expires_at),
            bytes([subject.metadata is not None, subject.consent is not None]),
            b"".join(sorted(each.bytes for each in subject.template_ids)),
            None if subject.change is None else subject.change.bytes,
        )
    )
