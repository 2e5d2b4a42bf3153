"""What the use cases need from the outside. Each adapter room holds one side of a port."""

from service.domain.ports.calling import (
    ApiKeys,
    AuditLog,
    AuditSnapshot,
    AuditSnapshots,
    FailedComparisons,
    PeopleProved,
    RateLimit,
    SubjectForComparison,
)
from service.domain.ports.gallery import Gallery, KeyGallery, Transaction
from service.domain.ports.images import (
    BulkEmbedding,
    BulkSource,
    Capture,
    FaceEngine,
    ModelIdentity,
)
from service.domain.ports.people import (
    Answers,
    Collections,
    SealedRows,
    StoredAnswer,
    Subjects,
    Templates,
)
from service.domain.ports.secrets import CollectionKey, NameKey, Rewrapping, Vault

__all__ = [
    "Answers",
    "ApiKeys",
    "AuditLog",
    "AuditSnapshot",
    "AuditSnapshots",
    "BulkEmbedding",
    "BulkSource",
    "Capture",
    "CollectionKey",
    "Collections",
    "FaceEngine",
    "FailedComparisons",
    "Gallery",
    "KeyGallery",
    "ModelIdentity",
    "NameKey",
    "PeopleProved",
    "RateLimit",
    "Rewrapping",
    "SealedRows",
    "StoredAnswer",
    "SubjectForComparison",
    "Subjects",
    "Templates",
    "Transaction",
    "Vault",
]
