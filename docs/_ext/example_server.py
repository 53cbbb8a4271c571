"""What the profile of the example becomes: the real objects, made by the real spawner."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from kubernetes_asyncio.client import ApiClient, Configuration

from fairihub_core.customer import read_customer
from fairihub_core.equipment import BucketAccess
from fairihub_core.offers import Offer, offers_for
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube import secrets
from fairihub_spawner.kube.plan import plan_for
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.spawner import FairihubSpawner

EXAMPLE = Path(__file__).parents[1] / "explanation" / "servers-example.yaml"
LOGIN = "grace"
BUCKET = BucketAccess("http://10.244.0.1:9000", "a key", "a secret")


def objects(kind: str) -> Iterator[dict[str, Any]]:
    """The objects of one kind that a start of the example makes: `pod`, `secret` or `claim`."""
    offer = _offer()
    settings = KubeSettings(reach="10.244.0.1", image="registry.example.org/lab:2026.4")
    keys = {"rivers-archive": ("ARCHIVE_TOKEN",)}
    plan = plan_for(offer, LOGIN, False, settings, BUCKET, secret_keys=keys)
    if kind == "claim":
        yield from (dict(claim) for claim in plan.claims)
    elif kind == "secret":
        yield secrets.server_secret(offer, LOGIN, settings, token="(hidden)", bucket=BUCKET)  # noqa: S106
    else:
        yield asyncio.run(_pod(plan, settings))


def shown(kind: str) -> str:
    """The same as YAML, without the values of secrets and what is another at each start."""
    found = [_readable(one) for one in objects(kind)]
    return yaml.safe_dump_all(found, sort_keys=False, width=110, allow_unicode=True)


def _offer() -> Offer:
    team = read_customer(EXAMPLE.read_text(), EXAMPLE.name).team
    if team is None:
        raise ValueError("the example of servers.md is no valid team file")
    return offers_for(LOGIN, TeamDirectory(teams=(team,)), date(2026, 1, 1))[0]


async def _pod(plan: Any, settings: KubeSettings) -> dict[str, Any]:
    # Nothing is asked of a cluster; without one there is no configuration to load either.
    with (
        patch("kubespawner.spawner.load_config"),
        patch("kubespawner.spawner.shared_client"),
        patch("fairihub_spawner.kube.spawner.the_sweeper"),
    ):
        spawner = FairihubSpawner(
            _mock=True,
            kubernetes=settings,
            directory=TeamDirectory,
            api_token="(hidden)",  # noqa: S106
        )
    spawner.user.name, spawner.user.url = LOGIN, f"/user/{LOGIN}/"
    spawner.hub.api_url = f"http://{settings.reach}:8081/hub/api"
    spawner.hub.base_url, spawner.hub.public_host = "/hub/", ""
    spawner._take_on(plan)
    manifest = await spawner.get_pod_manifest()
    client = ApiClient(Configuration())
    try:
        return dict(client.sanitize_for_serialization(manifest))
    finally:
        await client.close()


def _readable(one: Any) -> Any:
    if isinstance(one, dict):
        if one.get("kind") == "Secret":
            hidden = dict.fromkeys(one["stringData"], "(hidden)")
            one = {**one, "stringData": hidden}
        return {key: _readable(value) for key, value in one.items() if value != []}
    if isinstance(one, list):
        return [_readable(item) for item in one]
    if isinstance(one, str):
        return re.sub(r"^[0-9a-f]{32}$", "(another at each start)", one)
    return one
