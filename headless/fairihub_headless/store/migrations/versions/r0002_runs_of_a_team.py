"""Runs are found by their team, for those who look after it."""

from __future__ import annotations

from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    op.create_index("runs_by_team", "runs", ["team", "seq"])


def downgrade() -> None:
    op.drop_index("runs_by_team", "runs")
