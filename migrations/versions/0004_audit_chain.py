"""The audit log only grows, and its records hang together.

Rows that are there already keep their numbers and have no digest: a migration has no key. The
service, at its next start, binds them to the chain that it begins behind them.

Plain SQL, frozen: later changes of tables.py must not change what this revision did.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UPGRADE = [
    # Numbers without gaps come from the record before; an identity column leaves one whenever a
    # transaction is rolled back.
    "ALTER TABLE audit ALTER COLUMN sequence DROP IDENTITY",
    """
    ALTER TABLE audit
        ADD COLUMN outcome text NOT NULL DEFAULT 'done',
        ADD COLUMN request_id text,
        ADD COLUMN previous bytea,
        ADD COLUMN digest bytea,
        ADD CONSTRAINT audit_previous_check CHECK (octet_length(previous) = 32),
        ADD CONSTRAINT audit_digest_check CHECK (octet_length(digest) = 32)
    """,
    "ALTER TABLE audit ALTER COLUMN outcome DROP DEFAULT",
    "CREATE INDEX audit_collection_sequence_index ON audit (collection, sequence)",
    "CREATE INDEX audit_subject_sequence_index ON audit (subject, sequence)",
    "DROP INDEX audit_subject_index",  # the longer one serves as well
    """
    CREATE TABLE audit_head (
        single boolean NOT NULL,
        sequence bigint NOT NULL,
        digest bytea NOT NULL,
        begun_at timestamptz NOT NULL,
        begun_after bigint NOT NULL,
        seal bytea NOT NULL,
        key_id uuid NOT NULL,
        wrapped_key bytea NOT NULL,
        CONSTRAINT audit_head_pk PRIMARY KEY (single),
        CONSTRAINT audit_head_single_check CHECK (single)
    )
    """,
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
    # At the same number nothing changes but how the key is wrapped, under a new master key.
    """
    CREATE TRIGGER audit_head_moves_forward BEFORE UPDATE ON audit_head
        FOR EACH ROW WHEN (
            (NEW.begun_at, NEW.begun_after) IS DISTINCT FROM (OLD.begun_at, OLD.begun_after)
            OR NEW.sequence < OLD.sequence
            OR NEW.sequence = OLD.sequence
                AND (NEW.digest, NEW.seal) IS DISTINCT FROM (OLD.digest, OLD.seal)
        )
        EXECUTE FUNCTION audit_refuse()
    """,
    # Also where a session calls itself a replica, which turns ordinary triggers off.
    "ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_only_grows",
    "ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_stays",
    "ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_moves_forward",
]

DOWNGRADE = [
    "DROP TABLE audit_head",
    "DROP TRIGGER audit_only_grows ON audit",
    "DROP FUNCTION audit_refuse",
    "DROP INDEX audit_collection_sequence_index, audit_subject_sequence_index",
    "CREATE INDEX audit_subject_index ON audit (subject)",
    """
    ALTER TABLE audit
        DROP COLUMN outcome,
        DROP COLUMN request_id,
        DROP COLUMN previous,
        DROP COLUMN digest,
        ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY
    """,
    """
    SELECT setval(pg_get_serial_sequence('audit', 'sequence'), max(sequence))
        FROM audit HAVING max(sequence) > 0
    """,
]


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
