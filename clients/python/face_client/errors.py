"""What goes wrong with a call.

    FaceClientError
    ├── ServiceUnreachable         no answer: no connection, a lost one, too late
    ├── UnexpectedAnswer           an answer that is not the service's: a redirect, a proxy's page
    └── Problem                    the service says no; `code` is stable, `detail` is for people
        ├── InvalidRequest, Unauthenticated, NotAllowed, LivenessExpired
        ├── NotFound               SubjectNotFound, CollectionNotFound, ...
        ├── Conflict               SubjectExists, DuplicateSubject, SubjectMismatch, ...
        ├── UnacceptableImage      ImageTooLarge, TooManyImages, UnsupportedImage
        ├── UnusableFace           NoUsableFace, InconsistentImages, LivenessFailed, ...
        ├── TooManyCalls           RateLimited, SubjectLocked
        ├── ServiceFailed          nothing was decided: tampered records, internal errors
        └── Unavailable            Overloaded, DatabaseUnavailable, CameraUnavailable, ...

A code that this version does not know comes as the class of its status, and keeps its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FaceClientError(Exception):
    """A call came to nothing."""


class ServiceUnreachable(FaceClientError):
    """No answer came: whether the service did what was asked is not known."""


class UnexpectedAnswer(FaceClientError):
    """Something else than the service answered."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status


class Problem(FaceClientError):
    """The service refused, by a problem document (RFC 9457).

    `errors`: particulars, such as fields of the request or the reasons of photographs.
    `liveness`: what the liveness session showed that this call has used up.
    `retry_after`: seconds until another try makes sense; None where the service does not tell.
    """

    def __init_subclass__(cls, code: str | None = None, status: int | None = None) -> None:
        if code is not None:
            BY_CODE[code] = cls
        if status is not None:
            _BY_STATUS[status] = cls

    def __init__(
        self, status: int, document: Mapping[str, Any], retry_after: float | None = None
    ) -> None:
        self.status = status
        self.code: str = document["code"]
        self.title: str = document.get("title", "")
        self.detail: str = document.get("detail", "")
        self.request_id: str = document.get("requestId", "")
        self.errors: list[dict[str, Any]] = document.get("errors") or []
        self.liveness: dict[str, Any] | None = document.get("liveness")
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}: {self.detail or self.title}")


BY_CODE: dict[str, type[Problem]] = {}
_BY_STATUS: dict[int, type[Problem]] = {}


def problem_of(
    status: int, document: Mapping[str, Any], retry_after: float | None = None
) -> Problem:
    """The error of a problem document's `code`, else of its `status`."""
    kind = BY_CODE.get(document["code"]) or _BY_STATUS.get(status) or Problem
    return kind(status, document, retry_after)


class InvalidRequest(Problem, code="invalid_request", status=400):
    """`errors` names each field, and says what is allowed."""


class Unauthenticated(Problem, code="unauthenticated", status=401): ...


class NotAllowed(Problem, code="not_allowed", status=403): ...


class DirectoryNotAllowed(NotAllowed, code="directory_not_allowed"): ...


class NotFound(Problem, code="not_found", status=404): ...


class SubjectNotFound(NotFound, code="subject_not_found"): ...


class CollectionNotFound(NotFound, code="collection_not_found"): ...


class ProfileNotFound(NotFound, code="profile_not_found"): ...


class DuplicateNotFound(NotFound, code="duplicate_not_found"): ...


class ApiKeyNotFound(NotFound, code="api_key_not_found"): ...


class MethodNotAllowed(Problem, code="method_not_allowed", status=405): ...


class Conflict(Problem, status=409): ...


class SubjectExists(Conflict, code="subject_exists"): ...


class DuplicateSubject(Conflict, code="duplicate_subject"):
    """`errors` holds `{"subjectId", "similarity"}` of each, without `subjectId` for keys that may not search."""


class DuplicateResolved(Conflict, code="duplicate_resolved"): ...


class SubjectMismatch(Conflict, code="subject_mismatch"): ...


class ModelMismatch(Conflict, code="model_mismatch"): ...


class IdempotencyConflict(Conflict, code="idempotency_conflict"): ...


class LivenessUsed(Conflict, code="liveness_used"): ...


class PurgeHeld(Conflict, code="purge_held"): ...


class ApiKeyExists(Conflict, code="api_key_exists"): ...


class LivenessExpired(Problem, code="liveness_expired", status=410): ...


class UnacceptableImage(Problem, status=413): ...


class ImageTooLarge(UnacceptableImage, code="image_too_large"): ...


class TooManyImages(UnacceptableImage, code="too_many_images"): ...


class UnsupportedImage(UnacceptableImage, code="unsupported_image", status=415): ...


class UnusableFace(Problem, status=422):
    """`errors` holds the reason and advice of each photograph, where photographs are the reason."""


class NoUsableFace(UnusableFace, code="no_usable_face"): ...


class DirectoryNotFound(UnusableFace, code="directory_not_found"): ...


class InconsistentImages(UnusableFace, code="inconsistent_images"): ...


class InvalidEmbedding(UnusableFace, code="invalid_embedding"): ...


class LivenessFailed(UnusableFace, code="liveness_failed"): ...


class LivenessRequired(UnusableFace, code="liveness_required"): ...


class TooManyCalls(Problem, status=429): ...


class RateLimited(TooManyCalls, code="rate_limited"): ...


class SubjectLocked(TooManyCalls, code="subject_locked"): ...


class ServiceFailed(Problem, code="internal_error", status=500): ...


class TemplateTampered(ServiceFailed, code="template_tampered"): ...


class RecordTampered(ServiceFailed, code="record_tampered"): ...


class AuditTampered(ServiceFailed, code="audit_tampered"): ...


class Unavailable(Problem, status=503):
    """Also of whatever the operator must look at: `code` says what."""


class Overloaded(Unavailable, code="overloaded"): ...


class DatabaseUnavailable(Unavailable, code="database_unavailable"): ...


class CameraUnavailable(Unavailable, code="camera_unavailable"): ...
