"""How Alembic reaches the database: over the connection that the store hands in."""

from __future__ import annotations

from alembic import context

from fairihub_auth.store import metadata

# A table of versions of its own: the database may be shared with the hub and the services.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="fairihub_auth_version",
)
with context.begin_transaction():
    context.run_migrations()
