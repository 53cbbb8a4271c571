"""The first tables: accounts that signed in, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("provider", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("logins", sa.JSON, nullable=False),
        sa.Column("claims", sa.JSON, nullable=False),
        sa.Column("first_seen", sa.DateTime, nullable=False),
        sa.Column("last_seen", sa.DateTime, nullable=False),
        sa.UniqueConstraint("provider", "id", name="person_by_id"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("login", sa.String(100), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("team", sa.String(100), nullable=False),
        sa.Column("detail", sa.String(400), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
    )
    op.create_index("audit_by_time", "audit", ["at", "seq"])
    op.create_index("audit_by_login", "audit", ["login", "at"])
    op.create_index("audit_by_doer", "audit", ["by", "at"])
    op.create_index("audit_by_team", "audit", ["team", "at"])


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("person")
