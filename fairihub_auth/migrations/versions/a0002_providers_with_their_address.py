"""Accounts go by their provider and its address; when they were seen nobody ever asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0002"
down_revision = "a0001"


def upgrade() -> None:
    with op.batch_alter_table("person") as person:
        person.alter_column("provider", type_=sa.String(600), existing_nullable=False)
        person.drop_column("first_seen")
        person.drop_column("last_seen")


def downgrade() -> None:
    now = sa.func.now()
    with op.batch_alter_table("person") as person:
        for name in ("first_seen", "last_seen"):
            person.add_column(sa.Column(name, sa.DateTime, nullable=False, server_default=now))
        person.alter_column("provider", type_=sa.String(16), existing_nullable=False)
