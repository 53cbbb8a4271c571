"""The contribution database's schema, step by step (Alembic)."""
