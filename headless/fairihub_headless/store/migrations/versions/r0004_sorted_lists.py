"""Lists that are sorted by time taken or by notebook come out of an index, too."""

from __future__ import annotations

from alembic import op

revision = "r0004"
down_revision = "r0003"

_INDEXES = {
    "runs_longest_by_owner": ["owner", "took", "seq"],
    "runs_longest": ["took", "seq"],
    "runs_named_by_owner": ["owner", "words", "seq"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "runs", columns)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "runs")
