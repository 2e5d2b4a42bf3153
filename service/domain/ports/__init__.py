"""What the use cases need from the outside. Each adapter room holds one side of a port."""

from service.domain.ports.calling import (
    ApiKeys,
    Attempts,
    AuditLog,
    AuditSnapshots,
    Judged,
    RateLimit,
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
    "Attempts",
    "AuditLog",
    "AuditSnapshots",
    "BulkEmbedding",
    "BulkSource",
    "Capture",
    "CollectionKey",
    "Collections",
    "FaceEngine",
    "Gallery",
    "Judged",
    "KeyGallery",
    "ModelIdentity",
    "NameKey",
    "RateLimit",
    "Rewrapping",
    "SealedRows",
    "StoredAnswer",
    "Subjects",
    "Templates",
    "Transaction",
    "Vault",
]
