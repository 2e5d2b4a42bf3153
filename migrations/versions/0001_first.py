"""The first revision makes every table, what guards the audit log, and the two group roles.

Plain SQL, frozen once it is released: later changes of tables.py must not change what this revision
did, and a later revision that makes a table also says what the roles may do with it.
"""

from __future__ import annotations

import logging

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_logger = logging.getLogger("service.migrations")

TABLES = [
    """
    CREATE TABLE collections (
        collection_id uuid NOT NULL,
        name text NOT NULL,
        model_id text,
        next_model_id text,
        retiring_model_id text,
        settings jsonb NOT NULL,
        name_key_id uuid NOT NULL,
        wrapped_name_key bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT collections_pk PRIMARY KEY (collection_id),
        CONSTRAINT collections_name_key UNIQUE (name),
        CONSTRAINT collections_name_check CHECK
            (name ~ '^(?:[A-Za-z0-9_:@-][A-Za-z0-9._:@-]?|[.][A-Za-z0-9_:@-]|[A-Za-z0-9._:@-]{3,64})$')
    )
    """,
    """
    CREATE TABLE collection_keys (
        collection_id uuid NOT NULL,
        key_id uuid NOT NULL,
        wrapped bytea NOT NULL,
        state text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT collection_keys_pk PRIMARY KEY (collection_id, key_id),
        CONSTRAINT collection_keys_collection_id_key UNIQUE (collection_id, state),
        CONSTRAINT collection_keys_collections_fk FOREIGN KEY (collection_id)
            REFERENCES collections ON DELETE CASCADE,
        CONSTRAINT collection_keys_state_check CHECK (state IN ('active', 'retiring'))
    )
    """,
    """
    CREATE TABLE collection_writes (
        collection_id uuid NOT NULL,
        epoch uuid NOT NULL,
        last_row_sequence bigint NOT NULL,
        deleted_count bigint NOT NULL,
        seal bytea NOT NULL,
        CONSTRAINT collection_writes_pk PRIMARY KEY (collection_id),
        CONSTRAINT collection_writes_collections_fk FOREIGN KEY (collection_id)
            REFERENCES collections ON DELETE CASCADE
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE subjects (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        metadata bytea,
        enrolled_at timestamptz NOT NULL,
        expires_at timestamptz,
        consent bytea,
        change uuid,
        seal bytea NOT NULL,
        CONSTRAINT subjects_pk PRIMARY KEY (collection_id, subject_id),
        CONSTRAINT subjects_collections_fk FOREIGN KEY (collection_id)
            REFERENCES collections ON DELETE CASCADE,
        CONSTRAINT subjects_subject_id_check
            CHECK (subject_id ~ '^(?:[A-Za-z0-9_:@-][A-Za-z0-9._:@-]?|[.][A-Za-z0-9_:@-]'
                '|[A-Za-z0-9._:@-]{3,128})$')
    )
    """,
    """
    CREATE TABLE templates (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        model_id text NOT NULL,
        template_id uuid NOT NULL,
        sealed bytea NOT NULL,
        search halfvec(512) NOT NULL,
        created_at timestamptz NOT NULL,
        key_id uuid NOT NULL,
        space_id uuid NOT NULL,
        row_sequence bigint NOT NULL,
        tag bytea NOT NULL,
        CONSTRAINT templates_pk PRIMARY KEY (collection_id, subject_id, model_id),
        CONSTRAINT templates_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE,
        CONSTRAINT templates_collection_keys_fk
            FOREIGN KEY (collection_id, key_id) REFERENCES collection_keys
    )
    """,
    """
    CREATE TABLE idempotent_responses (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        caller text NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        sealed bytea NOT NULL,
        key_digest bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT idempotent_responses_pk PRIMARY KEY (collection_id, subject_id, caller, key),
        CONSTRAINT idempotent_responses_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE,
        CONSTRAINT idempotent_responses_fingerprint_check CHECK (octet_length(fingerprint) = 32),
        CONSTRAINT idempotent_responses_key_digest_check CHECK (octet_length(key_digest) = 32)
    )
    """,
    # It refers to nothing: it outlives people and their collections.
    """
    CREATE TABLE erased_idempotency_keys (
        key_digest bytea NOT NULL,
        forget_at timestamptz NOT NULL,
        CONSTRAINT erased_idempotency_keys_pk PRIMARY KEY (key_digest),
        CONSTRAINT erased_idempotency_keys_key_digest_check CHECK (octet_length(key_digest) = 32)
    )
    """,
    """
    CREATE TABLE failed_comparisons (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        caller text NOT NULL,
        refusals integer NOT NULL,
        since timestamptz NOT NULL,
        locked_until timestamptz,
        CONSTRAINT failed_comparisons_pk PRIMARY KEY (collection_id, subject_id, caller),
        CONSTRAINT failed_comparisons_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE flagged_duplicates (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        duplicate_of text COLLATE "C" NOT NULL,
        duplicate_id uuid NOT NULL,
        similarity double precision NOT NULL,
        flagged_at timestamptz NOT NULL,
        decision text,
        decided_at timestamptz,
        decided_by text,
        decisions integer NOT NULL,
        seal bytea NOT NULL,
        CONSTRAINT flagged_duplicates_pk PRIMARY KEY (collection_id, subject_id, duplicate_of),
        CONSTRAINT flagged_duplicates_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE,
        CONSTRAINT flagged_duplicates_decision_check
            CHECK (decision IN ('same_person', 'different_people')),
        CONSTRAINT flagged_duplicates_decided_check CHECK
            (num_nulls(decision, decided_at, decided_by) = CASE decisions WHEN 0 THEN 3 ELSE 0 END)
    )
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
        last_used_at timestamptz,
        CONSTRAINT api_keys_pk PRIMARY KEY (key_id),
        CONSTRAINT api_keys_name_key UNIQUE (name),
        CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 32)
    )
    """,
    # Half of each page stays free: a call updates a row in its own page, without touching an index.
    """
    CREATE UNLOGGED TABLE rate_counters (
        key text NOT NULL,
        calls bigint NOT NULL,
        ends_at timestamptz NOT NULL,
        CONSTRAINT rate_counters_pk PRIMARY KEY (key)
    ) WITH (fillfactor = 50)
    """,
    # Refers to no collection: on Citus that is a reference table, to which local ones may not refer.
    """
    CREATE UNLOGGED TABLE liveness_frames (
        collection_id uuid NOT NULL,
        session_id uuid NOT NULL,
        hash bit(256) NOT NULL,
        bands integer[] NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT liveness_frames_pk PRIMARY KEY (collection_id, session_id, hash)
    )
    """,
    # They outlive nothing: after a crash whoever was before the camera begins anew.
    """
    CREATE UNLOGGED TABLE liveness_sessions (
        session_id uuid NOT NULL,
        collection_id uuid NOT NULL,
        collection text NOT NULL,
        caller text NOT NULL,
        purpose text NOT NULL,
        subject bytea,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        verdict text,
        cost integer NOT NULL,
        version integer NOT NULL,
        sealed bytea,
        CONSTRAINT liveness_sessions_pk PRIMARY KEY (session_id),
        CONSTRAINT liveness_sessions_subject_check CHECK (octet_length(subject) = 32),
        CONSTRAINT liveness_sessions_purpose_check
            CHECK (purpose IN ('verify', 'enroll', 'search')),
        CONSTRAINT liveness_sessions_verdict_check
            CHECK (verdict IN ('live', 'attack_suspected', 'inconclusive'))
    )
    """,
    # No identity column: numbers without gaps come from the record before, where an identity leaves
    # a gap whenever a transaction is rolled back.
    """
    CREATE TABLE audit (
        audit_id uuid NOT NULL,
        sequence bigint NOT NULL,
        at timestamptz NOT NULL,
        caller text NOT NULL,
        action text NOT NULL,
        collection text,
        subject bytea,
        outcome text NOT NULL,
        request_id text,
        previous bytea NOT NULL,
        digest bytea NOT NULL,
        CONSTRAINT audit_pk PRIMARY KEY (audit_id),
        CONSTRAINT audit_sequence_key UNIQUE (sequence),
        CONSTRAINT audit_subject_check CHECK (octet_length(subject) = 32),
        CONSTRAINT audit_previous_check CHECK (octet_length(previous) = 32),
        CONSTRAINT audit_digest_check CHECK (octet_length(digest) = 32)
    )
    """,
    """
    CREATE TABLE audit_head (
        single boolean NOT NULL,
        sequence bigint NOT NULL,
        digest bytea NOT NULL,
        begun_at timestamptz NOT NULL,
        registry bytea NOT NULL,
        seal bytea NOT NULL,
        key_id uuid NOT NULL,
        wrapped_key bytea NOT NULL,
        CONSTRAINT audit_head_pk PRIMARY KEY (single),
        CONSTRAINT audit_head_single_check CHECK (single)
    )
    """,
    """
    CREATE TABLE registry (
        single boolean NOT NULL,
        content bytea NOT NULL,
        CONSTRAINT registry_pk PRIMARY KEY (single),
        CONSTRAINT registry_single_check CHECK (single)
    )
    """,
]
"""In an order in which each refers only to those before it."""

# None is unique: every unique key of people's rows contains the subject, for Citus.
INDEXES = [
    "CREATE INDEX subjects_collection_id_expires_at_index ON subjects (collection_id, expires_at)",
    "CREATE INDEX subjects_collection_id_enrolled_at_index ON subjects (collection_id, enrolled_at)",
    "CREATE INDEX templates_collection_id_row_sequence_index ON templates (collection_id, row_sequence)",
    "CREATE INDEX idempotent_responses_collection_id_caller_key_index ON idempotent_responses (collection_id, caller, key)",
    "CREATE INDEX idempotent_responses_key_digest_index ON idempotent_responses (key_digest)",
    "CREATE INDEX erased_idempotency_keys_forget_at_index ON erased_idempotency_keys (forget_at)",
    "CREATE INDEX flagged_duplicates_collection_id_duplicate_of_index ON flagged_duplicates (collection_id, duplicate_of)",
    "CREATE INDEX flagged_duplicates_collection_id_duplicate_id_index ON flagged_duplicates (collection_id, duplicate_id)",
    "CREATE INDEX flagged_duplicates_collection_id_flagged_at_duplicate_id_index ON flagged_duplicates (collection_id, flagged_at, duplicate_id)",
    "CREATE INDEX rate_counters_ends_at_index ON rate_counters (ends_at)",
    "CREATE INDEX liveness_frames_bands_index ON liveness_frames USING gin (bands) WITH (fastupdate = off)",
    "CREATE INDEX liveness_frames_seen_at_index ON liveness_frames (seen_at)",
    "CREATE INDEX liveness_sessions_caller_created_at_index ON liveness_sessions (caller, created_at)",
    "CREATE INDEX liveness_sessions_expires_at_index ON liveness_sessions (expires_at)",
    "CREATE INDEX audit_collection_sequence_index ON audit (collection, sequence)",
    "CREATE INDEX audit_subject_sequence_index ON audit (subject, sequence)",
    "CREATE INDEX audit_subject_done_index ON audit (subject, sequence) WHERE outcome = 'done'",
]

# Sealed bytes do not compress, so nobody need try. They leave the row for TOAST; the search vector
# (1,032 bytes) must stay in it: a search reads every one of them and none of the sealed ones.
STORAGE = {
    "EXTERNAL": [
        ("subjects", "metadata"),
        ("subjects", "consent"),
        ("templates", "sealed"),
        ("idempotent_responses", "sealed"),
        ("liveness_sessions", "sealed"),
    ],
    "PLAIN": [("templates", "search")],
}

# ANALYZE keeps samples of columns in pg_statistic, where a deleted person's would outlive their
# row. Nobody plans a query by sealed bytes.
NOT_SAMPLED = [
    ("subjects", "metadata"),
    ("subjects", "consent"),
    ("subjects", "seal"),
    ("templates", "sealed"),
    ("templates", "search"),
    ("templates", "tag"),
    ("idempotent_responses", "fingerprint"),
    ("idempotent_responses", "sealed"),
    ("idempotent_responses", "key_digest"),
    ("erased_idempotency_keys", "key_digest"),
    ("collection_keys", "wrapped"),
    ("failed_comparisons", "subject_id"),
    ("flagged_duplicates", "subject_id"),
    ("flagged_duplicates", "duplicate_of"),
    ("flagged_duplicates", "similarity"),
    ("flagged_duplicates", "seal"),
    ("liveness_frames", "hash"),
    ("liveness_frames", "bands"),
    ("liveness_sessions", "subject"),
    ("liveness_sessions", "sealed"),
]

AUDIT_GUARDS = [
    """
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% of % is refused: the audit log only grows', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    # For the statement, not for each row: it is refused where it would touch none as well.
    """
    CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
    """
    CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
    # At the same number nothing changes but how the key is wrapped, under a new master key, and the
    # registry, when the first collection is made, before anything is written down.
    """
    CREATE TRIGGER audit_head_moves_forward BEFORE UPDATE ON audit_head
        FOR EACH ROW WHEN (
            NEW.begun_at IS DISTINCT FROM OLD.begun_at
            OR NEW.sequence < OLD.sequence
            OR NEW.sequence = OLD.sequence AND (
                NEW.digest IS DISTINCT FROM OLD.digest
                OR NEW.seal IS DISTINCT FROM OLD.seal
                    AND NEW.registry IS NOT DISTINCT FROM OLD.registry
            )
        )
        EXECUTE FUNCTION audit_refuse()
    """,
    # Also where a session calls itself a replica, which turns ordinary triggers off.
    "ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_only_grows",
    "ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_stays",
    "ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_moves_forward",
]

SERVICE, AUDITOR = "face_service", "face_auditor"
"""Group roles: they have no password and cannot log in; login roles are made members of them."""

GRANTS = {
    SERVICE: [
        "SELECT, INSERT, UPDATE, DELETE ON collections, collection_keys, subjects",
        "SELECT, INSERT, UPDATE, DELETE ON templates, idempotent_responses, failed_comparisons, rate_counters",
        "SELECT, INSERT, UPDATE, DELETE ON erased_idempotency_keys, liveness_sessions",
        "SELECT, INSERT, UPDATE, DELETE ON collection_writes, flagged_duplicates",
        "SELECT, INSERT, DELETE ON liveness_frames",
        "SELECT, INSERT, UPDATE ON api_keys",
        "SELECT, INSERT ON audit",
        # Not wrapped_key: where the chain ends is the service's to say, not by which key.
        "SELECT, INSERT, UPDATE (sequence, digest, registry, seal) ON audit_head",
        "SELECT, INSERT, UPDATE ON registry",
        "SELECT ON alembic_version",
    ],
    AUDITOR: ["SELECT ON audit", "SELECT ON alembic_version"],
}
"""docs/roles.md prints them for those who make the roles themselves."""

CREATE_ROLE = """
    DO $$ BEGIN
        CREATE ROLE {role} NOLOGIN;
    EXCEPTION
        WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
    END $$
"""
"""It may exist already, another database's migration may make it at this moment, or the one who
migrates may make none."""

# Since PostgreSQL 16 whoever makes a role is a member of it.
DROP_ROLE = """
    DO $$ BEGIN
        IF NOT EXISTS (
            SELECT FROM pg_auth_members
            WHERE roleid = '{role}'::regrole AND member <> current_user::regrole
        ) THEN
            DROP ROLE {role};
        END IF;
    EXCEPTION
        WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;
    END $$
"""


def upgrade() -> None:
    for statement in [*TABLES, *INDEXES, *AUDIT_GUARDS]:
        op.execute(statement)
    for kind, columns in STORAGE.items():
        for table, column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {kind}")
    for table, column in NOT_SAMPLED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
    _make_roles()


def downgrade() -> None:
    """The extension stays: others in the same database may use it."""
    for role in filter(_exists, GRANTS):
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {_schema()} FROM {role}")
        op.execute(f"REVOKE ALL ON SCHEMA {_schema()} FROM {role}")
        op.execute(DROP_ROLE.format(role=role))
    names = [statement.partition(" TABLE ")[2].split()[0] for statement in TABLES]
    op.execute(f"DROP TABLE {', '.join(names)}")
    op.execute("DROP FUNCTION audit_refuse")


def _make_roles() -> None:
    """Roles belong to the whole server, so one that exists already is taken as it is."""
    for role, grants in GRANTS.items():
        op.execute(CREATE_ROLE.format(role=role))
        if not _exists(role):
            _logger.warning("%s was not made: this needs CREATEROLE; see docs/roles.md", role)
            continue
        op.execute(f"GRANT USAGE ON SCHEMA {_schema()} TO {role}")
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def _exists(role: str) -> bool:
    query = text("SELECT count(*) FROM pg_roles WHERE rolname = :role")
    return bool(op.get_bind().scalar(query, {"role": role}))


def _schema() -> str:
    return str(op.get_bind().scalar(text("SELECT quote_ident(current_schema())")))
