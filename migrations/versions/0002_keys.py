"""Data keys that can be rotated: several for a collection, each row naming its own.

What was a collection's only key is from now on two: its first data key, and what names are hashed
with, so that pseudonyms stay the same. The service parts them when it first rotates.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from service.domain.errors import DatabaseUnsuitable

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Each row takes its collection's only key, not the one in its header: a row whose header was altered
# must not stop the migration, and is still found out when it is opened.
UP = [
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
    INSERT INTO collection_keys
        SELECT collection_id, key_id, wrapped_key, 'active', created_at FROM collections
    """,
    "ALTER TABLE collections RENAME COLUMN key_id TO name_key_id",
    "ALTER TABLE collections RENAME COLUMN wrapped_key TO wrapped_name_key",
    "ALTER TABLE templates ADD COLUMN key_id uuid",
    """
    UPDATE templates SET key_id = collections.name_key_id
        FROM collections WHERE collections.collection_id = templates.collection_id
    """,
    "ALTER TABLE templates ALTER COLUMN key_id SET NOT NULL",
    """
    ALTER TABLE templates ADD CONSTRAINT templates_collection_keys_fk
        FOREIGN KEY (collection_id, key_id) REFERENCES collection_keys
    """,
]

DOWN = [
    "ALTER TABLE templates DROP COLUMN key_id",
    """
    UPDATE collections SET name_key_id = collection_keys.key_id,
            wrapped_name_key = collection_keys.wrapped
        FROM collection_keys WHERE collection_keys.collection_id = collections.collection_id
    """,
    "ALTER TABLE collections RENAME COLUMN name_key_id TO key_id",
    "ALTER TABLE collections RENAME COLUMN wrapped_name_key TO wrapped_key",
    "DROP TABLE collection_keys",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    """Refused during a rotation. Collections made or rotated since hash names anew afterwards: what
    the audit log says of people until then can no longer be told to be about them.
    """
    retiring = text("SELECT count(*) FROM collection_keys WHERE state = 'retiring'")
    if op.get_bind().execute(retiring).scalar_one():
        raise DatabaseUnsuitable(cause="a rotation is under way; finish it by `face keys rotate`")
    for statement in DOWN:
        op.execute(statement)
