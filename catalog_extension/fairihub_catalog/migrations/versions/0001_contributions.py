"""Contributions: one row each, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "contributions",
        sa.Column("cid", sa.String(32), primary_key=True),
        sa.Column("team", sa.String(63), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("replaces", sa.String(160)),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("submitted", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.String(255)),
        sa.Column("reason", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("notebook_id", sa.String(160)),
    )
    op.create_index("contributions_of_author", "contributions", ["author", "submitted"])
    op.create_index("contributions_of_team", "contributions", ["team", "submitted"])


def downgrade() -> None:
    op.drop_table("contributions")
