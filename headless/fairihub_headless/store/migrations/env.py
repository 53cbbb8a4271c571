"""How Alembic reaches the database: over the connection that the store hands in."""

from __future__ import annotations

from alembic import context

from fairihub_headless.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
