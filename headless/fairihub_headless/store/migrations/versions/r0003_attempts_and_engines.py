"""Runs have attempts, an engine that holds them, an order, a key, a source; engines have a beat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"

_LISTED = ("state", "team", "process", "pinned", "took", "words")


def upgrade() -> None:
    for column in (
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lost", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rank", sa.Integer, nullable=False, server_default="1"),
        sa.Column("not_before", sa.DateTime),
        sa.Column("engine", sa.String(36)),
        sa.Column("environment", sa.JSON),
        sa.Column("key", sa.String(255)),
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("expired", sa.DateTime),
        sa.Column("took", sa.Float(53), nullable=False, server_default="0"),
        sa.Column("words", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("runs", column)
    op.drop_index("runs_by_owner", "runs")
    op.drop_index("runs_by_team", "runs")
    op.create_index("runs_listed_by_owner", "runs", ["owner", "created", "seq", *_LISTED])
    op.create_index("runs_listed", "runs", ["created", "seq", "owner", *_LISTED])
    op.create_index("runs_by_engine", "runs", ["engine", "state"])
    op.create_index("runs_by_key", "runs", ["owner", "key"], unique=True)
    op.create_table(
        "engines",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("born", sa.Float(53), nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("engines")
    op.drop_index("runs_by_key", "runs")
    op.drop_index("runs_by_engine", "runs")
    op.drop_index("runs_listed", "runs")
    op.drop_index("runs_listed_by_owner", "runs")
    op.create_index("runs_by_team", "runs", ["team", "seq"])
    op.create_index("runs_by_owner", "runs", ["owner", "seq"])
    for name in (
        "words", "took", "expired", "pinned", "key", "environment", "engine", "not_before", "rank",
        "lost", "attempt",
    ):  # fmt: skip
        op.drop_column("runs", name)
