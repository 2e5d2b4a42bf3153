"""The tables, as SQLAlchemy sees them. How they came to be is in `migrations/`.

Every primary and unique key of subject data contains the subject's id, so that Citus could
distribute these tables by subject without a redesign.
"""

from __future__ import annotations

from datetime import datetime

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB

from service.domain.face import EMBEDDING_SIZE
from service.domain.frame_hash import HASH_BITS
from service.domain.identifiers import COLLECTION, SUBJECT_ID

REVISION = "0001"
"""Of the newest migration: the tables below are those of a database that has it. A test holds it to the scripts."""

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "fk": "%(table_name)s_%(referred_table_name)s_fk",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
    }
)

_BYTE_ORDER = "C"


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _subject_id() -> Column[str]:
    """In byte order, so that pages of subjects come out the same on every server."""
    return Column("subject_id", Text(collation=_BYTE_ORDER), primary_key=True)


def _subject_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["collection_id", "subject_id"],
        ["subjects.collection_id", "subjects.subject_id"],
        ondelete="CASCADE",
    )


collections = Table(
    "collections",
    metadata,
    Column("collection_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("model_id", Text),
    Column("next_model_id", Text),
    Column("retiring_model_id", Text),
    Column("settings", JSONB, nullable=False),
    Column("name_key_id", Uuid, nullable=False),
    Column("wrapped_name_key", LargeBinary, nullable=False),
    _moment("created_at"),
    CheckConstraint(f"name ~ '^{COLLECTION}$'", name="name"),
)

collection_keys = Table(
    "collection_keys",
    metadata,
    Column(
        "collection_id",
        Uuid,
        ForeignKey("collections.collection_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("key_id", Uuid, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    _moment("created_at"),
    UniqueConstraint("collection_id", "state"),
    CheckConstraint("state IN ('active', 'retiring')", name="state"),
)
"""Data keys: one active, and during a rotation one retiring."""

subjects = Table(
    "subjects",
    metadata,
    Column(
        "collection_id",
        Uuid,
        ForeignKey("collections.collection_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _subject_id(),
    Column("metadata", LargeBinary),
    _moment("enrolled_at"),
    _moment("expires_at", nullable=True),
    Column("consent", LargeBinary),
    Column("change", Uuid),
    Column("seal", LargeBinary, nullable=False),
    CheckConstraint(f"subject_id ~ '^{SUBJECT_ID}$'", name="subject_id"),
    Index(None, "collection_id", "expires_at"),
    Index(None, "collection_id", "enrolled_at"),
)

templates = Table(
    "templates",
    metadata,
    Column("collection_id", Uuid, primary_key=True),
    _subject_id(),
    Column("model_id", Text, primary_key=True),
    Column("template_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("search", HALFVEC(EMBEDDING_SIZE), nullable=False),
    _moment("created_at"),
    Column("key_id", Uuid, nullable=False),
    Column("space_id", Uuid, nullable=False),
    Column("row_sequence", BigInteger, nullable=False),
    Column("tag", LargeBinary, nullable=False),
    _subject_key(),
    ForeignKeyConstraint(
        ["collection_id", "key_id"],
        ["collection_keys.collection_id", "collection_keys.key_id"],
    ),
    Index(None, "collection_id", "row_sequence"),
)
"""The database itself refuses to lose a key that a row is under, and a second template of one person
and one model."""

collection_writes = Table(
    "collection_writes",
    metadata,
    Column(
        "collection_id",
        Uuid,
        ForeignKey("collections.collection_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("epoch", Uuid, nullable=False),
    Column("last_row_sequence", BigInteger, nullable=False),
    Column("deleted_count", BigInteger, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)
"""How far the writing of templates has come: `WriteWatermark`. Whoever takes positions holds the row to
the end of the transaction, so that positions become visible in their own order."""

idempotent_responses = Table(
    "idempotent_responses",
    metadata,
    Column("collection_id", Uuid, primary_key=True),
    _subject_id(),
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_digest", LargeBinary, nullable=False),
    _moment("created_at"),
    CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint"),
    CheckConstraint("octet_length(key_digest) = 32", name="key_digest"),
    _subject_key(),
    Index(None, "collection_id", "caller", "key"),
    Index(None, "key_digest"),
)

erased_idempotency_keys = Table(
    "erased_idempotency_keys",
    metadata,
    Column("key_digest", LargeBinary, primary_key=True),
    _moment("forget_at"),
    CheckConstraint("octet_length(key_digest) = 32", name="key_digest"),
    Index(None, "forget_at"),
)
"""That there was an answer, about somebody who is gone: a keyed hash, and nobody it belongs to."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("collections", ARRAY(Text), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    _moment("created_at"),
    _moment("expires_at", nullable=True),
    _moment("revoked_at", nullable=True),
    _moment("last_used_at", nullable=True),
    CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, nullable=False, unique=True),
    _moment("at"),
    Column("caller", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("collection", Text),
    Column("subject", LargeBinary),
    Column("outcome", Text, nullable=False),
    Column("request_id", Text),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    CheckConstraint("octet_length(subject) = 32", name="subject"),
    CheckConstraint("octet_length(previous) = 32", name="previous"),
    CheckConstraint("octet_length(digest) = 32", name="digest"),
    Index(None, "collection", "sequence"),
    Index(None, "subject", "sequence"),
    Index(
        "audit_subject_done_index",
        "subject",
        "sequence",
        postgresql_where=text("outcome = 'done'"),
    ),
)
"""The last index finds the last change of a person among their many verifications.

No foreign keys: the log outlives what it tells of. Triggers let it grow and nothing else."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("single", Boolean, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    _moment("begun_at"),
    Column("registry", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Column("key_id", Uuid, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    CheckConstraint("single", name="single"),
)
"""One row: where the chain of `audit` ends, and its key, wrapped. A trigger lets it move forward."""

registry = Table(
    "registry",
    metadata,
    Column("single", Boolean, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    CheckConstraint("single", name="single"),
)
"""One row: the list of collections and keys that `audit_head` vouches for. Apart from it, since each
audited call writes that row anew."""

failed_comparisons = Table(
    "failed_comparisons",
    metadata,
    Column("collection_id", Uuid, primary_key=True),
    _subject_id(),
    Column("caller", Text, primary_key=True),
    Column("refusals", Integer, nullable=False),
    _moment("since"),
    _moment("locked_until", nullable=True),
    _subject_key(),
)
"""Refused faces of a subject, by the key that sent them; a row only where there are some."""

flagged_duplicates = Table(
    "flagged_duplicates",
    metadata,
    Column("collection_id", Uuid, primary_key=True),
    _subject_id(),
    Column("duplicate_of", Text(collation=_BYTE_ORDER), primary_key=True),
    Column("duplicate_id", Uuid, nullable=False),
    Column("similarity", Double, nullable=False),
    _moment("flagged_at"),
    Column("decision", Text),
    _moment("decided_at", nullable=True),
    Column("decided_by", Text),
    Column("decisions", Integer, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    CheckConstraint("decision IN ('same_person', 'different_people')", name="decision"),
    CheckConstraint(
        "num_nulls(decision, decided_at, decided_by) = CASE decisions WHEN 0 THEN 3 ELSE 0 END",
        name="decided",
    ),
    _subject_key(),
    Index(None, "collection_id", "duplicate_of"),
    Index(None, "collection_id", "duplicate_id"),
    Index(None, "collection_id", "flagged_at", "duplicate_id"),
)
"""Who looked like whom when they were enrolled, until a person has decided about the two, and what they
decided. The other one is in no foreign key: on Citus they lie on another server."""

rate_counters = Table(
    "rate_counters",
    metadata,
    Column("key", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    _moment("ends_at"),
    Index(None, "ends_at"),
    prefixes=["UNLOGGED"],
)
"""Calls in the current window. Not logged: after a crash every window starts anew."""

liveness_frames = Table(
    "liveness_frames",
    metadata,
    Column("collection_id", Uuid, primary_key=True),
    Column("session_id", Uuid, primary_key=True),
    Column("hash", BIT(HASH_BITS), primary_key=True),
    Column("bands", ARRAY(Integer), nullable=False),
    _moment("seen_at"),
    Index(None, "bands", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    Index(None, "seen_at"),
    prefixes=["UNLOGGED"],
)
"""Keyed hashes of the frames that liveness sessions looked at, for a day. Of nobody: no subject, and no
session of theirs that is left."""

liveness_sessions = Table(
    "liveness_sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("collection_id", Uuid, nullable=False),
    Column("collection", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("subject", LargeBinary),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("ended_at", nullable=True),
    Column("verdict", Text),
    Column("cost", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed", LargeBinary),
    CheckConstraint("octet_length(subject) = 32", name="subject"),
    CheckConstraint("purpose IN ('verify', 'enroll', 'search')", name="purpose"),
    CheckConstraint("verdict IN ('live', 'attack_suspected', 'inconclusive')", name="verdict"),
    Index(None, "caller", "created_at"),
    Index(None, "expires_at"),
    prefixes=["UNLOGGED"],
)
"""Of somebody who may not be enrolled yet: so they hang on nobody's row, and name nobody but by a keyed
hash. Not logged: no copy of the log ever has a face of somebody who only tried."""

NOT_LOGGED = (rate_counters, liveness_frames, liveness_sessions)
"""Of the moment: lost in a crash, in no backup, and a database that holds nothing else is an empty one."""
