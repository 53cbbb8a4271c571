"""What a token may do, beyond what JupyterHub itself knows: scopes of the hub's services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Scope = Literal[
    "custom:fairihub:run",
    "custom:fairihub:read-runs",
    "custom:fairihub:contribute",
    "custom:fairihub:curate",
]
RUN: Scope = "custom:fairihub:run"
READ_RUNS: Scope = "custom:fairihub:read-runs"
CONTRIBUTE: Scope = "custom:fairihub:contribute"
CURATE: Scope = "custom:fairihub:curate"
MEMBER_SCOPES: tuple[Scope, ...] = (RUN, READ_RUNS, CONTRIBUTE, CURATE)
"""What a member's token may hold; whether the member may is still the team files' business."""

SNAPSHOT = "custom:fairihub:snapshot"
AUDIT = "custom:fairihub:audit"

IMPLIED: Mapping[str, tuple[str, ...]] = {RUN: (READ_RUNS,), CURATE: (CONTRIBUTE,)}
DESCRIPTIONS: Mapping[str, str] = {
    RUN: "Start runs and cancel your own.",
    READ_RUNS: "See your runs, with their results and logs.",
    CONTRIBUTE: "Share notebooks with a team, and withdraw what you shared.",
    CURATE: "Publish and decline notebooks of teams that you curate.",
    SNAPSHOT: "Read all teams, their members and profiles. For services, not for people.",
    AUDIT: "Add to the audit log. For services, not for people.",
}
