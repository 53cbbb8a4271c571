"""The first table: runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("team", sa.String(63), nullable=False),
        sa.Column("profile", sa.String(255), nullable=False),
        sa.Column("process", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("cell", sa.Integer, nullable=False),
        sa.Column("cells", sa.Integer, nullable=False),
        sa.Column("failure", sa.JSON),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("started", sa.DateTime),
        sa.Column("finished", sa.DateTime),
        sa.Column("updated", sa.DateTime, nullable=False),
        sa.Column("worker_pid", sa.Integer),
        sa.Column("worker_born", sa.Float(53)),
    )
    op.create_index("runs_by_owner", "runs", ["owner", "seq"])
    op.create_index("runs_by_owner_and_state", "runs", ["owner", "state", "seq"])
    op.create_index("runs_by_state", "runs", ["state", "seq"])


def downgrade() -> None:
    op.drop_table("runs")
