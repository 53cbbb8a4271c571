"""The way to a cluster, as the hub's surroundings or a kubeconfig say it."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from kubernetes_asyncio import client, config

from fairihub_core.errors import Unavailable
from fairihub_core.logins import printable

VARIABLE = "KUBECONFIG"
_LOAD_SECONDS = 60
"""A kubeconfig may name a program that brings the credentials."""
_ASK_SECONDS = 4
_LOOK = "See whether it runs, and whether the kubeconfig names its address."


@dataclass(frozen=True)
class Access:
    """Which cluster, and which of its objects.

    Attributes:
        kubeconfig: None for the cluster that this process runs in, else what KUBECONFIG names.
        namespace: None for all.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None


async def configuration(access: Access) -> client.Configuration:
    """As `kubernetes_asyncio` finds it, without touching what others of this process use."""
    made = client.Configuration()
    if access.kubeconfig is None and access.context is None:
        try:
            in_cluster: Any = config.load_incluster_config
            in_cluster(client_configuration=made)
            return made
        except config.ConfigException:
            pass
    await config.load_kube_config(
        str(_file(access)), context=access.context, client_configuration=made, persist_config=False
    )
    return made


def require_way(access: Access) -> None:
    """Called before the hub starts: each server would fail without, and no Customer be read.

    Raises:
        Unavailable: `no-cluster`, saying which file lacks what.
    """
    try:
        _loaded(access)
    except Exception as problem:  # the loaders raise whatever a file or a plugin makes them
        raise Unavailable("no-cluster", _sentence(access, problem)) from None


def _loaded(access: Access) -> client.Configuration:
    async def loaded() -> client.Configuration:
        return await asyncio.wait_for(configuration(access), _LOAD_SECONDS)

    return asyncio.run(loaded())


def what_keeps(access: Access) -> str | None:
    """Why the cluster takes nothing from us at this moment, and what to look at; None if it does.

    Asked where somebody waits, so not for long: apart, as an event loop does not end before the
    name of a host is looked up.
    """
    try:
        way = _loaded(access)
    except Exception as problem:  # as in `require_way`
        return _sentence(access, problem)
    said: list[str | None] = []

    def ask() -> None:
        try:
            said.append(asyncio.run(_asked(way)))
        except Exception as problem:  # of certificates that are none
            said.append(_sentence(access, problem))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_ASK_SECONDS)
    return said[0] if said else f"The cluster does not answer within {_ASK_SECONDS} s. {_LOOK}"


async def _asked(way: client.Configuration) -> str | None:
    async with client.ApiClient(way) as api:
        try:
            call = client.CoreV1Api(api).list_namespace  # that we may not is an answer, too
            answer: Any = await call(limit=1, _preload_content=False)
            status = answer.status
        except client.ApiException as problem:
            status = problem.status or 500
        except (aiohttp.ClientError, OSError) as problem:
            return f"The cluster at {way.host} does not answer ({in_words(problem)}). {_LOOK}"
    if status == 401:
        said = "does not accept the hub’s credentials (401). Renew those of the kubeconfig"
        return f"The cluster at {way.host} {said}, or of the hub’s service account."
    return f"The cluster at {way.host} answers {status}. {_LOOK}" if status >= 500 else None


def in_words(problem: BaseException) -> str:
    """Not every text: that of a broken kubeconfig, or of a plugin, may show a token."""
    if isinstance(problem, yaml.YAMLError):
        return "this is not valid YAML"
    words = getattr(problem, "strerror", None)
    if isinstance(problem, config.ConfigException):
        # It may go on with all that the file says of a user.
        words = re.sub(r" in [^ ]*\{.*", "", str(problem), flags=re.S)
    elif isinstance(problem, aiohttp.ClientError):
        words = words or str(problem)
    return printable(words or type(problem).__name__, 200).rstrip(".")


def _sentence(access: Access, problem: Exception) -> str:
    by = "" if access.kubeconfig else f"{VARIABLE}: " if VARIABLE in os.environ else ""
    file = str(_file(access))
    if any(Path(one).expanduser().exists() for one in file.split(os.pathsep)):
        why = "this is no kubeconfig" if isinstance(problem, _NOT_ONE) else in_words(problem)
        return f"There is no way to the cluster. {by}{file}: {why}."
    if access.kubeconfig or by:
        return f"There is no way to the cluster. {by}There is no file {file}."
    return f"There is no way to the cluster: {VARIABLE} is not set, and there is no file {file}."


def _file(access: Access) -> Path | str:
    return access.kubeconfig or os.environ.get(VARIABLE) or Path.home() / ".kube/config"


_NOT_ONE = (AttributeError, TypeError, AssertionError, KeyError, UnicodeDecodeError)
"""What the loaders come to where a file is something else."""
