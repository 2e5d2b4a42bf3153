"""Templates by the order in which they were written, and how far that has come."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE collection_writes (
        collection_id uuid NOT NULL,
        epoch uuid NOT NULL DEFAULT gen_random_uuid(),
        last_position bigint NOT NULL DEFAULT 0,
        deletions bigint NOT NULL DEFAULT 0,
        CONSTRAINT collection_writes_pk PRIMARY KEY (collection_id),
        CONSTRAINT collection_writes_collections_fk FOREIGN KEY (collection_id)
            REFERENCES collections ON DELETE CASCADE
    ) WITH (fillfactor = 50)
    """,
    "ALTER TABLE templates ADD COLUMN position bigint",
    """
    UPDATE templates SET position = numbered.position
    FROM (
        SELECT collection_id, subject_id, template_id, row_number() OVER (
            PARTITION BY collection_id ORDER BY created_at, subject_id, template_id
        ) AS position
        FROM templates
    ) AS numbered
    WHERE (templates.collection_id, templates.subject_id, templates.template_id)
        = (numbered.collection_id, numbered.subject_id, numbered.template_id)
    """,
    # The foreign keys' triggers of the rows just changed are due before the table may be altered.
    "SET CONSTRAINTS ALL IMMEDIATE",
    "ALTER TABLE templates ALTER COLUMN position SET NOT NULL",
    """
    INSERT INTO collection_writes (collection_id, last_position)
    SELECT collection_id, coalesce(max(position), 0)
    FROM collections LEFT JOIN templates USING (collection_id)
    GROUP BY collection_id
    """,
    "CREATE INDEX templates_collection_id_position_index ON templates (collection_id, position)",
]
"""The index is not unique: every unique key of people's rows contains the subject, for Citus."""

SERVICE = "face_service"

GRANT = f"""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{SERVICE}') THEN
            GRANT SELECT, INSERT, UPDATE ON collection_writes TO {SERVICE};
        END IF;
    END $$
"""


def upgrade() -> None:
    for statement in [*STATEMENTS, GRANT]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE templates DROP COLUMN position")
    op.execute("DROP TABLE collection_writes")
