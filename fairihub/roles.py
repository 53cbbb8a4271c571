"""What the services may ask of the hub, and what the tokens of members may do at the services."""

from __future__ import annotations

from typing import Any

from fairihub_core import scopes

SERVICE_SCOPES = [
    "access:services!service=catalog",
    "access:services!service=headless",
    *scopes.MEMBER_SCOPES,
]
"""What every member has, and a token or a server of theirs can be given."""


def _role(service: str, scopes: list[str]) -> dict[str, Any]:
    return {"name": f"{service}-service", "scopes": scopes, "services": [service]}


ROLES = [
    _role("catalog", [scopes.SNAPSHOT, scopes.AUDIT]),
    _role(
        "headless",
        [
            scopes.SNAPSHOT,
            scopes.AUDIT,
            "users:activity",
            "read:users:activity",
            "read:servers",
        ],
    ),
    _role("cli", [scopes.SNAPSHOT, "admin:users", "tokens"]),
    _role(
        "idle-culler",
        ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    ),
]
"""For `c.JupyterHub.load_roles`."""


def custom_scopes() -> dict[str, dict[str, Any]]:
    """For `c.JupyterHub.custom_scopes`."""
    return {
        name: {"description": description, "subscopes": list(scopes.IMPLIED.get(name, ()))}
        for name, description in scopes.DESCRIPTIONS.items()
    }
