"""Refused faces by subject, and counters of calls."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE attempts (
        collection_id uuid NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        refusals integer NOT NULL,
        since timestamptz NOT NULL,
        locked_until timestamptz,
        CONSTRAINT attempts_pk PRIMARY KEY (collection_id, subject_id),
        CONSTRAINT attempts_subjects_fk FOREIGN KEY (collection_id, subject_id)
            REFERENCES subjects ON DELETE CASCADE
    )
    """,
    # As in 0003: a table that has become empty keeps the samples that ANALYZE took before.
    "ALTER TABLE attempts ALTER COLUMN subject_id SET STATISTICS 0",
    # Half of each page stays free: a call updates a row in its own page, without touching an index.
    """
    CREATE UNLOGGED TABLE rate_counters (
        key text NOT NULL,
        calls bigint NOT NULL,
        ends_at timestamptz NOT NULL,
        CONSTRAINT rate_counters_pk PRIMARY KEY (key)
    ) WITH (fillfactor = 50)
    """,
    "CREATE INDEX rate_counters_ends_at_index ON rate_counters (ends_at)",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE rate_counters, attempts")
