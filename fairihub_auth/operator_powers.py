"""What operators may do: look after the hub, and not act as its people."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from sqlalchemy import event

NOT_THEIRS = frozenset({"access:servers", "shares"})
"""To open a member's server is to act as the member, and nothing would tell of it."""


def limit_operators() -> None:
    """Before the hub makes its roles: its admins may open no server but their own.

    JupyterHub has no setting for that and lets no configuration change the role `admin`; it writes
    the role at each start. What operators do in a member's name takes a token of the member's,
    and the audit log tells who made it.
    """
    event.listen(orm.Role, "before_insert", _narrowed)
    event.listen(orm.Role, "before_update", _narrowed)


def _narrowed(_mapper: Any, _connection: Any, role: orm.Role) -> None:
    if role.name == "admin":
        role.scopes = [scope for scope in role.scopes or [] if scope not in NOT_THEIRS]
