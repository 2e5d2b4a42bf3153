"""Everything that can go wrong, as one tree. A "no" is not here: that is a value.

    FaceError
    ├── InvalidRequest                       invalid_request
    ├── Unauthenticated                      unauthenticated
    ├── NotAllowed                           not_allowed
    │   └── DirectoryNotAllowed              directory_not_allowed
    ├── NotFound
    │   ├── SubjectNotFound                  subject_not_found
    │   ├── CollectionNotFound               collection_not_found
    │   ├── ProfileNotFound                  profile_not_found
    │   ├── ApiKeyNotFound                   api_key_not_found
    │   └── DuplicateNotFound                duplicate_not_found
    ├── Conflict
    │   ├── SubjectExists                    subject_exists
    │   ├── DuplicateSubject                 duplicate_subject
    │   ├── DuplicateResolved                duplicate_resolved
    │   ├── SubjectMismatch                  subject_mismatch
    │   ├── ModelMismatch                    model_mismatch
    │   ├── ModelMoveUnderWay                model_move_under_way
    │   ├── ModelNotMoving                   model_not_moving
    │   ├── PeopleNotMoved                   people_not_moved
    │   ├── ProfilesMissing                  profiles_missing
    │   ├── IdempotencyConflict              idempotency_conflict
    │   ├── LivenessUsed                     liveness_used
    │   ├── CollectionExists                 collection_exists
    │   ├── ApiKeyExists                     api_key_exists
    │   ├── SubjectRepeated                  subject_repeated
    │   └── PurgeHeld                        purge_held
    ├── UnacceptableImages
    │   ├── ImageTooLarge                    image_too_large
    │   ├── TooManyImages                    too_many_images
    │   └── UnsupportedImage                 unsupported_image
    ├── UnusableSamples
    │   ├── NoUsableFace                     no_usable_face
    │   │   └── DirectoryNotFound            directory_not_found
    │   ├── InconsistentImages               inconsistent_images
    │   └── InvalidEmbedding                 invalid_embedding
    ├── LivenessExpired                      liveness_expired
    ├── LivenessFailed                       liveness_failed
    ├── LivenessRequired                     liveness_required
    ├── TemplateTampered                     template_tampered
    ├── RecordTampered                       record_tampered
    ├── AuditTampered                        audit_tampered
    ├── Unavailable                          (the caller may try again later)
    │   ├── Overloaded                       overloaded
    │   ├── DatabaseUnavailable              database_unavailable
    │   │   ├── DatabaseReadOnly             database_read_only
    │   │   └── DatabaseStandby              database_standby
    │   ├── ClocksDisagree                   clocks_disagree
    │   ├── CameraUnavailable                camera_unavailable
    │   ├── KeyServiceUnavailable            key_service_unavailable
    │   └── RateLimited                      rate_limited
    │       └── SubjectLocked                subject_locked
    └── OperationFailed                        (the operator must act; the start is refused)
        ├── ModelUnavailable                 model_unavailable
        ├── LivenessModelsUnavailable        liveness_models_unavailable
        ├── LivenessModelsUnset              liveness_models_unset
        ├── LandmarksUnavailable             landmarks_unavailable
        ├── GpuUnavailable                   gpu_unavailable
        ├── ConflictingRuntimes              conflicting_runtimes
        ├── MasterKeyMissing                 master_key_missing
        ├── MasterKeyInvalid                 master_key_invalid
        ├── DatabaseUnsuitable               database_unsuitable
        ├── DatabaseNotMigrated              database_not_migrated
        ├── DatabaseRightMissing             database_right_missing
        ├── TlsUnusable                      tls_unusable
        ├── DatabaseNotEmpty                 database_not_empty
        ├── DatabaseDistributed              database_distributed
        ├── BackupDamaged                    backup_damaged
        ├── BackupTooNew                     backup_too_new
        ├── CopyFailed                       copy_failed
        ├── BulkFileUnusable                 bulk_file_unusable
        ├── ExtraMissing                     extra_missing
        ├── ClusterUnavailable               cluster_unavailable
        ├── CalibrationDamaged               calibration_damaged
        ├── PackExists                       pack_exists
        ├── TooFewPhotographs                too_few_photographs
        ├── TooFewPresentations              too_few_presentations
        └── QuantizationFailed               quantization_failed

Codes live here and never change; the sentences are in `service/texts`; HTTP statuses in the api room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from service.domain.active_liveness import Judgment
from service.domain.causes import Cause, Diagnosis
from service.domain.face import Sample


class ShutCause(StrEnum):
    """Part of the contract: it stands in the answer's `errors`."""

    FORWARDED = "forwarded"
    FOREIGN_NAME = "foreign_name"
    OTHER_MACHINE = "other_machine"
    OTHER_USER = "other_user"
    UNKNOWN_USER = "unknown_user"


@dataclass(frozen=True, slots=True)
class Shut:
    """`what`: the header that names another place, or the user whose program it is."""

    cause: ShutCause
    what: str = ""


class FaceError(Exception):
    """Base of the tree. `values` fill the placeholders of the message of the same code.

    Values are shown to callers and logged: no pixels, vectors, keys or subject ids among them.
    """

    code: ClassVar[str] = "internal_error"
    diagnosis: Diagnosis | None = None
    """The cause, for the operator at the command line and in the log; HTTP callers never see it."""

    def __init__(self, **values: object) -> None:
        super().__init__(self.code)
        self.values: Mapping[str, object] = values

    def because(self, cause: Cause, **values: object) -> Self:
        """The same error with its cause.

        >>> DatabaseUnavailable().because(Cause.DISK_FULL).diagnosis.cause
        <Cause.DISK_FULL: 'disk_full'>
        """
        self.diagnosis = Diagnosis(cause, values)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Whole on its way from one process to another, whatever its constructor asks for."""
        return _remade, (type(self), vars(self))

    @property
    def particulars(self) -> Sequence[Mapping[str, Any]]:
        """The members of the answer's `errors`; empty where the message says it all."""
        return ()


def _remade(kind: type[FaceError], state: Mapping[str, Any]) -> FaceError:
    error = kind.__new__(kind, kind.code)
    vars(error).update(state)
    return error


class InvalidRequest(FaceError):
    """`problems`: `{"field", "problem", "allowed"?}` each: a `FieldProblem`, and what would be right
    by the names under `allowed` in `service/texts`; never the field's value.
    """

    code = "invalid_request"

    def __init__(self, problems: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__()
        self.problems = problems

    @property
    def particulars(self) -> Sequence[Mapping[str, Any]]:
        return self.problems


class Unauthenticated(FaceError):
    """`shut`: why a door that needs no key was shut for this call; None where there is none."""

    code = "unauthenticated"

    def __init__(self, shut: Shut | None = None) -> None:
        super().__init__()
        self.shut = shut


class Lacking(StrEnum):
    """What a key has not that a call needs; part of the contract: it stands in the answer's `errors`."""

    COLLECTIONS = "collections"
    COLLECTION = "collection"
    SCOPE = "scope"


class NotAllowed(FaceError):
    """Values: of `Lacking`. `scope`: of several any would do, as in `token/verify`; `collections`: `all`,
    where the key is bound to some, and the call concerns all of them.
    """

    code = "not_allowed"

    @property
    def particulars(self) -> Sequence[Mapping[str, Any]]:
        return [dict(self.values)] if self.values else ()


class DirectoryNotAllowed(NotAllowed):
    code = "directory_not_allowed"


class NotFound(FaceError):
    pass


class SubjectNotFound(NotFound):
    code = "subject_not_found"


class CollectionNotFound(NotFound):
    code = "collection_not_found"


class ProfileNotFound(NotFound):
    """Values: `profiles`, the names of those that there are."""

    code = "profile_not_found"


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"


class DuplicateNotFound(NotFound):
    code = "duplicate_not_found"


class Conflict(FaceError):
    pass


class SubjectExists(Conflict):
    code = "subject_exists"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody enrolled whose template is this similar to the probe (cosine, -1 to 1)."""

    subject_id: str
    similarity: float


class DuplicateSubject(Conflict):
    """`candidates`: who is enrolled already, most similar first. `expected_false_candidates`: how many
    strangers such a check names on average; None where nobody has measured it.
    """

    code = "duplicate_subject"

    def __init__(
        self, candidates: Sequence[Candidate], expected_false_candidates: float | None = None
    ) -> None:
        super().__init__()
        self.candidates = candidates
        self.expected_false_candidates = expected_false_candidates


class DuplicateResolved(Conflict):
    """Values: `decision`, the one that was made."""

    code = "duplicate_resolved"


class SubjectMismatch(Conflict):
    code = "subject_mismatch"


class ModelMismatch(Conflict):
    """Values: `stored` and `served`, the two models' ids."""

    code = "model_mismatch"


class ModelMoveUnderWay(Conflict):
    """Values: `collection`, and `model`, to which its people are moved or which is being removed."""

    code = "model_move_under_way"


class ModelNotMoving(Conflict):
    """Values: `collection`, whose people are not moved to another model."""

    code = "model_not_moving"


class PeopleNotMoved(Conflict):
    """Values: `collection`, how many `people` it has, and for how many of them (`number`) nothing is
    stored under the next model.
    """

    code = "people_not_moved"


class ProfilesMissing(Conflict):
    """Values: `collection`, and the `profiles` in use for which the next model has no thresholds."""

    code = "profiles_missing"


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"


class LivenessUsed(Conflict):
    """A decision was made by this session already; or one is being made at this moment."""

    code = "liveness_used"


class CollectionExists(Conflict):
    code = "collection_exists"


class ApiKeyExists(Conflict):
    code = "api_key_exists"


class SubjectRepeated(Conflict):
    """An earlier row of the same bulk source has this subject id."""

    code = "subject_repeated"


class PurgeHeld(Conflict):
    """So many are expired at once that an operator has to look first. Values: `expired`, `people`."""

    code = "purge_held"


class UnacceptableImages(FaceError):
    """`samples`: of the images up to the one to blame, with its reason; empty where none alone is."""

    def __init__(self, samples: Sequence[Sample] = (), **values: object) -> None:
        super().__init__(**values)
        self.samples = samples


class ImageTooLarge(UnacceptableImages):
    """Values: `limit`, in words with its unit."""

    code = "image_too_large"


class TooManyImages(UnacceptableImages):
    """Values: `limit`, the number of images allowed."""

    code = "too_many_images"


class UnsupportedImage(UnacceptableImages):
    code = "unsupported_image"


class UnusableSamples(FaceError):
    """`samples`: what became of each photograph, in the order given."""

    def __init__(self, samples: Sequence[Sample] = ()) -> None:
        super().__init__()
        self.samples = samples


class NoUsableFace(UnusableSamples):
    code = "no_usable_face"


class DirectoryNotFound(NoUsableFace):
    """There is no such folder, or it is closed to the service; of an empty one there are no samples."""

    code = "directory_not_found"


class InconsistentImages(UnusableSamples):
    code = "inconsistent_images"


class InvalidEmbedding(UnusableSamples):
    code = "invalid_embedding"


class LivenessExpired(FaceError):
    """There is no such session for this key, or there is none any more."""

    code = "liveness_expired"


class LivenessFailed(FaceError):
    """The session does not prove what the call needs. `judgment`: of one that was used up by the call;
    None where the session is of something else, or cannot be gone on with.
    """

    code = "liveness_failed"

    def __init__(self, judgment: Judgment | None = None) -> None:
        super().__init__()
        self.judgment = judgment


class LivenessRequired(FaceError):
    """The collection lets nobody be verified or enrolled here but by a liveness session."""

    code = "liveness_required"


class TemplateTampered(FaceError):
    """A stored row does not open, or is not what was sealed. Never a match, always an alarm."""

    code = "template_tampered"


class RecordTampered(FaceError):
    """A row beside the templates is not what the service wrote, or was put back: a collection's
    settings or keys, an API key, on what terms somebody is enrolled. Nothing is decided by it.
    """

    code = "record_tampered"


class AuditTampered(FaceError):
    """The end of the audit log is not what was written there: nothing more is written behind it."""

    code = "audit_tampered"


class Unavailable(FaceError):
    retry_after: int = 5
    """Seconds after which the caller may try again."""


class Overloaded(Unavailable):
    code = "overloaded"

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__()
        self.retry_after = retry_after


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"


class DatabaseReadOnly(DatabaseUnavailable):
    """It answers, and by a setting of its own takes no writes."""

    code = "database_read_only"


class DatabaseStandby(DatabaseUnavailable):
    """It answers, and takes no writes because it follows another server."""

    code = "database_standby"


class ClocksDisagree(Unavailable):
    """Nothing that cannot be undone is done by a clock that may be wrong.

    Values: `seconds`, by which the process's clock is ahead of the database's.
    """

    code = "clocks_disagree"


class CameraUnavailable(Unavailable):
    code = "camera_unavailable"


class KeyServiceUnavailable(Unavailable):
    """The service that keeps the master key does not answer, or not to us."""

    code = "key_service_unavailable"


class RateLimited(Unavailable):
    """Values: `retry_after`, the seconds until another call is let in, at least 1."""

    code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class SubjectLocked(RateLimited):
    """Too many faces that were not the subject's. Says nothing about the face of this call."""

    code = "subject_locked"


class OperationFailed(FaceError):
    pass


class ModelUnavailable(OperationFailed):
    """Values: `model`, its name; `path`, where it was looked for; `cause`, what was wrong."""

    code = "model_unavailable"


class LandmarksUnavailable(OperationFailed):
    """Values: `model`, which finds faces without the landmarks that a liveness session goes by."""

    code = "landmarks_unavailable"


class LivenessModelsUnavailable(OperationFailed):
    """Values: `path`, their folder; `cause`, what was wrong."""

    code = "liveness_models_unavailable"


class LivenessModelsUnset(OperationFailed):
    code = "liveness_models_unset"


class GpuUnavailable(OperationFailed):
    """Values: `available`, the providers that the installed runtime has."""

    code = "gpu_unavailable"


class ConflictingRuntimes(OperationFailed):
    """Values: `runtimes`, the distributions that overwrite each other."""

    code = "conflicting_runtimes"


class MasterKeyMissing(OperationFailed):
    code = "master_key_missing"


class MasterKeyInvalid(OperationFailed):
    """The key has the wrong form, cannot be read, or is not the one that wrapped the stored keys."""

    code = "master_key_invalid"


class DatabaseUnsuitable(OperationFailed):
    """What the server, the database or the role lacks stands in its diagnosis."""

    code = "database_unsuitable"


class DatabaseNotMigrated(OperationFailed):
    code = "database_not_migrated"


class DatabaseRightMissing(OperationFailed):
    """Values: `right`, as GRANT calls it; `table`, on what this role lacks it."""

    code = "database_right_missing"


class TlsUnusable(OperationFailed):
    """Values: `cause`, which file cannot be used and why."""

    code = "tls_unusable"


class DatabaseNotEmpty(OperationFailed):
    """There is something in the database that a backup was to be restored into."""

    code = "database_not_empty"


class DatabaseDistributed(OperationFailed):
    """Citus spreads people over several servers, where `what` is not safe; `instead`: what to do.

    Both are names of commands, settings and pages, the same in every language.
    """

    code = "database_distributed"


class BackupDamaged(OperationFailed):
    """The file is not a backup, or not as it was written."""

    code = "backup_damaged"


class BackupTooNew(OperationFailed):
    """Values: `version`, that of the service that made the backup."""

    code = "backup_too_new"


class CopyFailed(OperationFailed):
    """Values: `program`, pg_dump or pg_restore; `cause`, what it said, without any row's content."""

    code = "copy_failed"


class BulkFileUnusable(OperationFailed):
    """The file as a whole; what is wrong with it stands in its diagnosis, without any row's content."""

    code = "bulk_file_unusable"


class ExtraMissing(OperationFailed):
    """Values: `extra`, the part of the installation that the call needs."""

    code = "extra_missing"


class ClusterUnavailable(OperationFailed):
    """Values: `cause`, the kind of failure that the Ray cluster met with."""

    code = "cluster_unavailable"


class CalibrationDamaged(OperationFailed):
    """Values: `path`, the file; `cause`, in what it is not as it was written."""

    code = "calibration_damaged"


class PackExists(OperationFailed):
    """Values: `path`, the folder that is there already."""

    code = "pack_exists"


class TooFewPhotographs(OperationFailed):
    """Values: `found`, photographs with a usable face, of how many `people`; `needed`; `refused`, how
    many were left out, by reason.
    """

    code = "too_few_photographs"


class TooFewPresentations(OperationFailed):
    """Values: `found`, presentations to measure a liveness check on; `needed`."""

    code = "too_few_presentations"


class QuantizationFailed(OperationFailed):
    """Values: `model`, its name; `cause`, why it cannot be had with 8-bit weights."""

    code = "quantization_failed"


class FieldProblem(StrEnum):
    """Part of the contract: it stands in the answer's `errors`."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_IN_QUERY = "not_in_query"
    REPEATED = "repeated"
    INVALID = "invalid"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    NOT_JSON = "not_json"
    NOT_BASE64 = "not_base64"
    NOT_MULTIPART = "not_multipart"
    NOT_UTF_8 = "not_utf_8"
    NOT_TEXT = "not_text"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_LIST = "not_list"
    NOT_OBJECT = "not_object"
    NOT_A_CHOICE = "not_a_choice"
    NOT_A_NAME = "not_a_name"
    NOT_A_MOMENT = "not_a_moment"
    NOT_A_UUID = "not_a_uuid"
    NOT_PRINTABLE = "not_printable"
    SAME_SUBJECT = "same_subject"
    ONE_SOURCE = "one_source"
    NOT_SAVED_AS_UTF_8 = "not_saved_as_utf_8"
    OPEN_QUOTES = "open_quotes"
    NUMBER_OF_FIELDS = "number_of_fields"
    NO_SUCH_FILE = "no_such_file"
    NO_SUCH_FOLDER = "no_such_folder"
    NOT_A_FILE = "not_a_file"
    CLOSED = "closed"
    NO_PHOTOGRAPHS = "no_photographs"
    LOOSE_PHOTOGRAPH = "loose_photograph"
    LINK_LEADS_NOWHERE = "link_leads_nowhere"
