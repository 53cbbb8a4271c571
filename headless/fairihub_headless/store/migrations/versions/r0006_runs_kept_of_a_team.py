"""What is kept of a team comes out of an index in the order in which it goes."""

from __future__ import annotations

from alembic import op

revision = "r0006"
down_revision = "r0005"


def upgrade() -> None:
    op.create_index("runs_kept_by_team", "runs", ["team", "expired", "finished"])


def downgrade() -> None:
    op.drop_index("runs_kept_by_team", "runs")
