"""A retried enrollment gets the first one's answer.

Only answers that changed something are kept, sealed, and they go when their subject goes: a
refused enrollment changed nothing and is decided anew. Of a subject who went, a keyed hash of the
`Idempotency-Key` stays for 30 days.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from service.domain.active_liveness import Judgment, Verdict
from service.domain.collection import IdempotentResponse, SealContext
from service.domain.errors import Candidate, IdempotencyConflict
from service.domain.face import (
    DirectoryImages,
    FaceSource,
    GivenEmbedding,
    ImageFiles,
    ProvenFrame,
    Uploads,
    VideoFrames,
)
from service.domain.step_pose import Doubt
from service.domain.warnings import DecisionWarning, WarningCode
from service.usecases import sample_record
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.transaction import Transaction

_PURPOSE = "answer"
_KEY_DIGEST = b"face/v1/idempotency-key\0"
"""What the audit log hashes with the same key begins otherwise: with a byte 0 or 1."""


def earlier_response(
    tx: Transaction, unlocked: UnlockedCollection, request: EnrollRequest, key: str
) -> Enrolled | None:
    """The answer that `request.caller` got under the same `key`; None for the first time.

    Raises `IdempotencyConflict` where that request was another one, or enrolled somebody who is gone
    by now: a retry that comes late must not bring them back. Raises `TemplateTampered`.
    """
    stored = tx.idempotency.find(unlocked.collection, request.caller.name, key)
    if stored is None:
        if tx.idempotency.is_of_somebody_gone(_key_digest(tx, request, key)):
            raise IdempotencyConflict
        return None
    if stored.fingerprint != unlocked.pseudonyms.fingerprint(_content(request)):
        raise IdempotencyConflict
    record = _record(request.caller.name, key)
    plain = unlocked.open_note(stored.subject_id, _PURPOSE, record, stored.sealed)
    return _read(json.loads(plain))


def keep_response(
    tx: Transaction,
    unlocked: UnlockedCollection,
    request: EnrollRequest,
    key: str,
    enrolled: Enrolled,
) -> None:
    plain = json.dumps(_write(enrolled)).encode()
    answer = IdempotentResponse(
        caller=request.caller.name,
        key=key,
        subject_id=request.subject_id,
        fingerprint=unlocked.pseudonyms.fingerprint(_content(request)),
        sealed=unlocked.seal_note(
            request.subject_id, _PURPOSE, _record(request.caller.name, key), plain
        ),
        key_digest=_key_digest(tx, request, key),
    )
    tx.idempotency.add(unlocked.collection, answer)


def reseal_answer(
    unlocked: UnlockedCollection, stored: IdempotentResponse, subject_id: str | None = None
) -> IdempotentResponse:
    """The same answer under the key that seals, kept for `subject_id` if that is to be another: what it
    says stays as it was answered. Raises `TemplateTampered`.
    """
    record, whose = _record(stored.caller, stored.key), subject_id or stored.subject_id
    there, here = (SealContext(each, _PURPOSE, record) for each in (stored.subject_id, whose))
    return replace(
        stored, subject_id=whose, sealed=unlocked.reseal_note(there, stored.sealed, here)
    )


def _key_digest(tx: Transaction, request: EnrollRequest, key: str) -> bytes:
    """By the collection's name: of one that is deleted and made anew, the keys are remembered."""
    parts = [request.collection, request.caller.name, key]
    return tx.audit.keyed_hash(_KEY_DIGEST + json.dumps(parts).encode())


def _record(caller: str, key: str) -> str:
    return json.dumps([caller, key])


def _content(request: EnrollRequest) -> bytes:
    """What makes two requests the same, as bytes."""
    parts = [
        request.subject_id,
        request.collection,
        request.mode,
        request.on_duplicate,
        request.profile,
        request.metadata,
        None if request.expires_at is None else request.expires_at.timestamp(),
        request.consent_reference,
        request.faces,
        _source_content(request.source),
    ]
    return json.dumps(parts, sort_keys=True).encode()


def _source_content(source: FaceSource) -> list[Any]:
    kind = type(source).__name__
    if isinstance(source, Uploads):
        return [kind, *(hashlib.sha256(image).hexdigest() for image in source.images)]
    if isinstance(source, GivenEmbedding):
        return [kind, *source.numbers]
    if isinstance(source, ProvenFrame):
        return [kind, str(source.session_id)]
    if isinstance(source, DirectoryImages):
        return [kind, source.path, source.max_images]
    if isinstance(source, ImageFiles):
        return [kind, *source.paths]
    if isinstance(source, VideoFrames):
        return [kind, source.path, source.max_frames]
    return [kind, source.max_frames]


def _write(enrolled: Enrolled) -> dict[str, Any]:
    return {
        "subject_id": enrolled.subject_id,
        "collection": enrolled.collection,
        "template_id": str(enrolled.template_id),
        "model_id": enrolled.model_id,
        "images_used": enrolled.images_used,
        "samples": [sample_record.written(sample) for sample in enrolled.samples],
        "duplicates": [[one.subject_id, one.similarity] for one in enrolled.duplicates],
        "duplicate_threshold": enrolled.duplicate_threshold,
        "warnings": [list(astuple(one)) for one in enrolled.warnings],
        "enrolled_at": enrolled.enrolled_at.isoformat(),
        "liveness": None if enrolled.liveness is None else list(astuple(enrolled.liveness)),
    }


def _read(values: dict[str, Any]) -> Enrolled:
    samples = [sample_record.read(*each) for each in values.pop("samples")]
    return Enrolled(
        **{
            **values,
            "template_id": UUID(values["template_id"]),
            "enrolled_at": datetime.fromisoformat(values["enrolled_at"]),
            "duplicates": [Candidate(*one) for one in values["duplicates"]],
            "warnings": [_warning(*one) for one in values["warnings"]],
            "liveness": None if values["liveness"] is None else _judgment(*values["liveness"]),
            "samples": samples,
        }
    )


def _warning(code: str, expected: float | None, most: float | None) -> DecisionWarning:
    return DecisionWarning(WarningCode(code), expected, most)


def _judgment(verdict: str, doubts: list[str]) -> Judgment:
    return Judgment(Verdict(verdict), tuple(map(Doubt, doubts)))
