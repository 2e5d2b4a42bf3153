"""The end of an enrollment: expiry, the consent it rests on, and who is asked about in the log.

Plain SQL, frozen: later changes of tables.py must not change what this revision did.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHANGES = [
    "ALTER TABLE subjects ADD COLUMN expires_at timestamptz, ADD COLUMN consent bytea",
    "ALTER TABLE subjects ALTER COLUMN consent SET STORAGE EXTERNAL",
    "CREATE INDEX subjects_collection_id_expires_at_index ON subjects (collection_id, expires_at)",
    "CREATE INDEX subjects_collection_id_enrolled_at_index ON subjects (collection_id, enrolled_at)",
    "CREATE INDEX audit_subject_index ON audit (subject)",
]

# ANALYZE keeps samples of columns in pg_statistic, where a deleted person's would outlive their
# row. Nobody plans a query by sealed bytes.
SAMPLED = [
    ("subjects", "metadata"),
    ("subjects", "consent"),
    ("templates", "sealed"),
    ("templates", "search"),
    ("answers", "fingerprint"),
    ("answers", "sealed"),
    ("collection_keys", "wrapped"),
]


def upgrade() -> None:
    for statement in CHANGES:
        op.execute(statement)
    for table, column in SAMPLED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    for table, column in SAMPLED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")
    op.execute("DROP INDEX audit_subject_index")
    op.execute("DROP INDEX subjects_collection_id_enrolled_at_index")
    op.execute("ALTER TABLE subjects DROP COLUMN consent, DROP COLUMN expires_at")
