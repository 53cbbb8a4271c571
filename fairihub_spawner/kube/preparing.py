"""What there must be before a pod: a namespace of the team, its secrets, the volumes, the token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fairihub_core import clock
from fairihub_core.access import holds_right
from fairihub_core.equipment import BucketAccess
from fairihub_core.offers import Offer
from fairihub_core.starts import Notice
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube import belonging, secrets, volumes
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.plan import ServerPlan, plan_for
from fairihub_spawner.kube.settings import KubeSettings

Told = Callable[[Notice], None]


async def planned(
    calls: Calls,
    offer: Offer,
    login: str,
    directory: TeamDirectory,
    settings: KubeSettings,
    bucket: BucketAccess | None,
) -> ServerPlan:
    """The plan of a server, once the cluster has shown that all it names is the team's.

    Raises:
        Refused, Missing: a namespace, bucket or secret that is not to be had.
        LostCause: the cluster does not say.
    """
    team = offer.team
    labels = await _labels_of(team.namespace, calls, settings)
    belonging.check_namespace(team, directory, settings, labels)
    belonging.check_bucket(offer, directory, settings)
    keys = {}
    for name in dict.fromkeys(offer.profile.secret_names):
        found = await calls.persistently(calls.secret, team.namespace, name)
        keys[name] = secrets.keys_of(name, found, offer)
    curator = holds_right(login, team.name, "notebooks", directory, clock.today())
    return plan_for(offer, login, curator, settings, bucket, secret_keys=keys)


async def _labels_of(namespace: str, calls: Calls, settings: KubeSettings) -> dict[str, str] | None:
    """The labels of a namespace; None if there is none of that name."""
    try:
        found = await calls.persistently(calls.namespace, namespace)
    except LostCause as lost:
        # A hub that asks for no label needs no right to read namespaces: whether there is one
        # shows in the first call that needs it.
        if settings.require_namespace_label or lost.diagnosis.code != "no-permission":
            raise
        return {}
    return None if found is None else found["metadata"].get("labels") or {}


async def prepare_volumes(calls: Calls, plan: ServerPlan, told: Told) -> None:
    """Makes the volumes that are missing, and lets grow those that became too small.

    Raises:
        Refused, Conflict: a volume that is another's, or is lost.
        LostCause: the cluster refuses.
    """
    one = partial(_prepare_volume, calls, plan.namespace, told)
    # All are waited for, so that none goes on behind the back of a start that has failed.
    done = await asyncio.gather(*(one(wanted) for wanted in plan.claims), return_exceptions=True)
    for failure in (found for found in done if found is not None):
        raise failure


async def _prepare_volume(
    calls: Calls, namespace: str, told: Told, wanted: Mapping[str, Any]
) -> None:
    name = wanted["metadata"]["name"]
    there = await calls.persistently(calls.claim, namespace, name)
    while there is None:
        # Another start may be first: whose it then is must be as clear as ever. And what that one
        # has made may be deleted before it is read.
        there = await calls.persistently(calls.create_claim, dict(wanted))
    found = volumes.verdict(wanted, there)
    if found.patch is not None:
        storage_class = there["spec"].get("storageClassName")
        if await calls.persistently(calls.grows, storage_class):
            await calls.persistently(calls.patch_claim, namespace, name, found.patch)
            return
    if found.notice:
        told(found.notice)
