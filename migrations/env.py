"""Alembic's entry: migrates the connection that `service.storage.migrations` hands over.

It configures no logging: that belongs to the program that migrates.
"""

from __future__ import annotations

from alembic import context

from service.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)

with context.begin_transaction():
    context.run_migrations()
