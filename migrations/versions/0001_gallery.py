"""The gallery: collections, subjects, templates, answers, API keys, audit.

Plain SQL, frozen: later changes of tables.py must not change what this revision did.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from service.domain.errors import DatabaseUnsuitable

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OLDEST_PGVECTOR = (0, 8)
"""halfvec came with 0.7; 0.8 is the oldest version that this service is tested with."""

TABLES = [
    """
    CREATE TABLE collections (
        collection_id uuid NOT NULL,
        name text NOT NULL,
        model_id text,
        settings jsonb NOT NULL,
        key_id uuid NOT NULL,
        wrapped_key bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT collections_pk PRIMARY KEY (collection_id),
        CONSTRAINT collections_name_key UNIQUE (name),
        CONSTRAINT collections_name_check CHECK (length(name) BETWEEN 1 AND 128)
    )
    """,
    """
    CREATE TABLE subjects (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        metadata bytea,
        enrolled_at timestamptz NOT NULL,
        CONSTRAINT subjects_pk PRIMARY KEY (collection_id, subject_id),
        CONSTRAINT subjects_collections_fk FOREIGN KEY (collection_id)
            REFERENCES collections ON DELETE CASCADE,
        CONSTRAINT subjects_subject_id_check
            CHECK (subject_id ~ '^[A-Za-z0-9._:@-]{1,128}$')
    )
    """,
    """
    CREATE TABLE templates (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        template_id uuid NOT NULL,
        model_id text NOT NULL,
        sealed bytea NOT NULL,
        search halfvec(512) NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT templates_pk PRIMARY KEY (collection_id, subject_id, template_id),
        CONSTRAINT templates_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE answers (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        caller text NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT answers_pk PRIMARY KEY (collection_id, subject_id, caller, key),
        CONSTRAINT answers_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE,
        CONSTRAINT answers_fingerprint_check CHECK (octet_length(fingerprint) = 32)
    )
    """,
    """
    CREATE INDEX answers_collection_id_caller_key_index ON answers (collection_id, caller, key)
    """,
    """
    CREATE TABLE api_keys (
        key_id text NOT NULL,
        name text NOT NULL,
        scopes text[] NOT NULL,
        collections text[] NOT NULL,
        secret_hash bytea NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT api_keys_pk PRIMARY KEY (key_id),
        CONSTRAINT api_keys_name_key UNIQUE (name),
        CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 32)
    )
    """,
    """
    CREATE TABLE audit (
        audit_id uuid NOT NULL,
        sequence bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        at timestamptz NOT NULL,
        caller text NOT NULL,
        action text NOT NULL,
        collection text,
        subject bytea,
        CONSTRAINT audit_pk PRIMARY KEY (audit_id),
        CONSTRAINT audit_sequence_key UNIQUE (sequence),
        CONSTRAINT audit_subject_check CHECK (octet_length(subject) = 32)
    )
    """,
]

# Sealed bytes do not compress, so nobody need try. They leave the row for TOAST; the search vector
# (1,032 bytes) must stay in it: a search reads every one of them and none of the sealed ones.
STORAGE = [
    "ALTER TABLE subjects ALTER COLUMN metadata SET STORAGE EXTERNAL",
    "ALTER TABLE templates ALTER COLUMN sealed SET STORAGE EXTERNAL",
    "ALTER TABLE templates ALTER COLUMN search SET STORAGE PLAIN",
    "ALTER TABLE answers ALTER COLUMN sealed SET STORAGE EXTERNAL",
]


def upgrade() -> None:
    _require_pgvector()
    for statement in [*TABLES, *STORAGE]:
        op.execute(statement)


def downgrade() -> None:
    """The extension stays: others in the same database may use it."""
    op.execute("DROP TABLE audit, api_keys, answers, templates, subjects, collections")


def _require_pgvector() -> None:
    connection = op.get_bind()
    available = text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    if connection.scalar(available) is None:
        raise DatabaseUnsuitable(cause="pgvector is not installed on the server")
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    installed = text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    _require_version(connection.execute(installed).scalar_one())


def _require_version(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_PGVECTOR:
        update = "update its package, then run ALTER EXTENSION vector UPDATE"
        raise DatabaseUnsuitable(cause=f"pgvector here is {version}; {update}")
