"""What is made of the volumes before a pod, whatever happens to them meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.plan import ServerPlan, plan_for
from fairihub_spawner.kube.preparing import planned, prepare_volumes
from tests.support.standin_kube import Refusal, StandinKube, forbidden

from .conftest import offer, settings

GIB = 1024**3
CLAIMS = "persistentvolumeclaims"


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        kube.put("storageclasses", {"metadata": {"name": "fast"}, "allowVolumeExpansion": True})
        kube.put("storageclasses", {"metadata": {"name": "stiff"}})
        yield kube


@pytest.fixture
async def calls(kube: StandinKube) -> AsyncIterator[Calls]:
    async with ApiClient(Configuration(host=kube.url)) as client:
        yield Calls(CoreV1Api(client), "ours")


def plan(gigabytes: int = 5, storage_class: str = "fast") -> ServerPlan:
    given = offer(storage=gigabytes * GIB)
    said = settings(storage_class=storage_class, shared_storage=0, image="lab:1")
    return plan_for(given, "ada", False, said, None, secret_keys={})


async def prepared(calls: Calls, wanted: ServerPlan) -> list[str]:
    """The codes of what the owner is told."""
    told: list[Any] = []
    await asyncio.wait_for(prepare_volumes(calls, wanted, told.append), 20)
    return [notice.code for notice in told]


async def bound(kube: StandinKube, calls: Calls, storage_class: str = "fast") -> None:
    """Ada has a home of 5 GiB."""
    await prepared(calls, plan(5, storage_class))
    (claim,) = kube.all(CLAIMS)
    meta = claim["metadata"]
    state = {"phase": "Bound", "capacity": {"storage": str(5 * GIB)}}
    kube.update(CLAIMS, meta["namespace"], meta["name"], status=state)


def asked_for(kube: StandinKube) -> str:
    (claim,) = kube.all(CLAIMS)
    storage: str = claim["spec"]["resources"]["requests"]["storage"]
    return storage


async def test_a_claim_that_vanishes_between_two_calls_is_made(kube, calls):
    conflict = Refusal(409, "AlreadyExists", 'persistentvolumeclaims "home" already exists')
    kube.fail(conflict, verb="create", resource=CLAIMS)
    assert await prepared(calls, plan()) == []
    assert len(kube.all(CLAIMS)) == 1


@pytest.mark.parametrize(
    ("verb", "resource"), [(None, None), ("get", "storageclasses"), ("patch", CLAIMS)]
)
async def test_a_volume_that_became_too_small_grows_though_the_api_is_busy(
    kube, calls, verb, resource
):
    await bound(kube, calls)
    if verb:
        kube.fail(Refusal(503, "ServiceUnavailable"), verb=verb, resource=resource)
    assert await prepared(calls, plan(10)) == []
    assert asked_for(kube) == str(10 * GIB)


@pytest.mark.parametrize("storage_class", ["stiff", "fast"])
async def test_of_a_volume_that_cannot_grow_the_owner_is_told(kube, calls, storage_class):
    await bound(kube, calls, storage_class)
    if storage_class == "fast":  # which the hub may not know
        kube.fail(forbidden("storageclasses"), verb="get", resource="storageclasses")
    assert await prepared(calls, plan(10, storage_class)) == ["home-not-larger"]
    assert asked_for(kube) == str(5 * GIB)


async def asked_of_the_namespace(calls: Calls, **said: Any) -> ServerPlan:
    given, told = offer(), settings(image="lab:1", **said)
    teams = TeamDirectory(teams=(given.team,))
    return await planned(calls, given, "ada", teams, told, None)


async def test_a_namespace_that_may_not_be_read_is_not_called_unlabelled(kube, calls):
    said = 'namespaces "ns-uc4" is forbidden: User "hub" cannot get resource "namespaces"'
    for _ in range(2):
        kube.fail(Refusal(403, "Forbidden", said), verb="get", resource="namespaces")
    with pytest.raises(LostCause) as lost:
        await asked_of_the_namespace(calls)
    assert (lost.value.diagnosis.code, lost.value.diagnosis.who) == ("no-permission", "operator")
    assert (
        await asked_of_the_namespace(calls, require_namespace_label=False)
    ).namespace == "ns-uc4"
