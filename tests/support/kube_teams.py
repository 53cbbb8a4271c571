"""Teams for the tests on a cluster, each with the namespace that is its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from fairihub_core.teams import Member, Profile, Team
from fairihub_spawner.kube import names
from tests.support.kubernetes import Namespace

MIB = 1024**2
OWNER = names.TEAM
"""The label of a namespace that says which team has it."""


def owned(new_namespace: Callable[..., Namespace]) -> Namespace:
    """A new namespace that is, as its label says, that of the team of the same name."""
    name = f"test-{secrets.token_hex(4)}"
    return new_namespace(name, {OWNER: name})


def profile(slug: str, **special: Any) -> Profile:
    """A small profile; little is guaranteed, so that many fit on the node of a test."""
    size = {
        "mem_limit": 64 * MIB,
        "mem_guarantee": 8 * MIB,
        "cpu_limit": 1.0,
        "cpu_guarantee": 0.01,
    }
    return Profile(slug=slug, **{"display_name": slug, **size, **special})


def team(name: str, admin: str, *profiles: Profile, **special: Any) -> Team:
    """A team whose namespace has its name; `members` are those beside its admin."""
    others = special.pop("members", ())
    members = (Member(login=admin, role="admin"), *(Member(login=login) for login in others))
    return Team(**{"name": name, "namespace": name, "members": members, "profiles": profiles,
                   **special})  # fmt: skip
