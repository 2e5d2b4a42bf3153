"""Two group roles: what the service may do with the tables, and what an auditor may see.

Roles belong to the whole server, so one that exists already is taken as it is, and going down
drops it only where no other database and no member needs it. They have no password and cannot log
in: login roles are made members of them (docs/roles.md).

Plain SQL, frozen: a later revision that makes a table also says what these roles may do with it.
"""

from __future__ import annotations

import logging

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_logger = logging.getLogger("service.migrations")

SERVICE, AUDITOR = "face_service", "face_auditor"

GRANTS = {
    SERVICE: [
        "SELECT, INSERT, UPDATE, DELETE ON collections, collection_keys, subjects",
        "SELECT, INSERT, UPDATE, DELETE ON templates, answers, attempts, rate_counters",
        "SELECT, INSERT, UPDATE ON api_keys",
        "SELECT, INSERT ON audit",
        # Not wrapped_key: where the chain ends is the service's to say, not by which key.
        "SELECT, INSERT, UPDATE (sequence, digest, seal) ON audit_head",
        "SELECT ON alembic_version",
    ],
    AUDITOR: ["SELECT ON audit", "SELECT ON alembic_version"],
}

CREATE = """
    DO $$ BEGIN
        CREATE ROLE {role} NOLOGIN;
    EXCEPTION
        WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
    END $$
"""
"""It may exist already, another database's migration may make it at this moment, or the one who
migrates may make none."""

# Since PostgreSQL 16 whoever makes a role is a member of it.
DROP = """
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
    for role, grants in GRANTS.items():
        op.execute(CREATE.format(role=role))
        if not _exists(role):
            _logger.warning("%s was not made: this needs CREATEROLE; see docs/roles.md", role)
            continue
        op.execute(f"GRANT USAGE ON SCHEMA {_schema()} TO {role}")
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def downgrade() -> None:
    for role in filter(_exists, GRANTS):
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {_schema()} FROM {role}")
        op.execute(f"REVOKE ALL ON SCHEMA {_schema()} FROM {role}")
        op.execute(DROP.format(role=role))


def _exists(role: str) -> bool:
    query = text("SELECT count(*) FROM pg_roles WHERE rolname = :role")
    return bool(op.get_bind().scalar(query, {"role": role}))


def _schema() -> str:
    return str(op.get_bind().scalar(text("SELECT quote_ident(current_schema())")))
