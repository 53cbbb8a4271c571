"""Where the parts of a hub listen: the ports that people and pods know, others that are free."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from contextlib import ExitStack

from fairihub.hub_settings import Ports
from fairihub_core.errors import BadInput, Conflict, Unavailable

# Below the ports that systems give to outgoing connections: one of those may be free now and
# taken a second later, when a service of ours wants to listen on it.
_RANGE = range(10_000, 32_000)
_TRIES = 500


def choose_ports(
    public: int, host: str = "127.0.0.1", *, hub: int | None = None, s3: int | None = None
) -> Ports:
    """Ports for all parts: those that are given, and free ones.

    Args:
        hub: where servers find the hub; given if they outlive it, and so have to find the next.
        s3: where they find the buckets, likewise.

    Raises:
        BadInput: `bad-settings`, this machine has no such address, or one port is given twice.
        Conflict: `port-in-use`, naming the setting, or for the public one a port that is free.
    """
    with ExitStack() as stack:
        own = _held(0, host)
        if own is None:
            said = f"kubernetes.reach: “{host}” is no address of this machine."
            raise BadInput("bad-settings", said)
        stack.enter_context(own)
        _differ({"--port": public, "kubernetes.hub_port": hub, "kubernetes.s3_port": s3})
        held = _held(public, host)
        if held is None:
            (free,) = _free(1, stack, host)
            raise Conflict(
                "port-in-use", f"Port {public} is in use. Choose another, as: --port {free}"
            )
        stack.enter_context(held)
        _hold("kubernetes.hub_port", hub, stack, host)
        _hold("kubernetes.s3_port", s3, stack, host)
        of_hub, proxy_api, catalog, headless, of_s3 = _free(5, stack, host)
    return Ports(
        public=public,
        hub=hub or of_hub,
        proxy_api=proxy_api,
        catalog=catalog,
        headless=headless,
        s3=s3 or of_s3,
    )


def _differ(given: Mapping[str, int | None]) -> None:
    """Whether each part has a port of its own.

    Raises:
        BadInput: `bad-settings`, naming two that are the same.
    """
    seen: dict[int, str] = {}
    for name, port in given.items():
        if port and (other := seen.setdefault(port, name)) != name:
            said = f"{other} and {name} are both {port}. Choose another for one of them."
            raise BadInput("bad-settings", said)


def _hold(setting: str, port: int | None, stack: ExitStack, host: str) -> None:
    """Holds the port of a setting until `stack` ends.

    Raises:
        Conflict: `port-in-use`: another would be one that no server knows.
    """
    if port is None:
        return
    held = _held(port, host)
    if held is None:
        raise Conflict(
            "port-in-use",
            f"{setting}: port {port} of {host} is in use. Servers that run look for the hub there: "
            "free it. Another hub on this machine needs other ports in its settings.",
        )
    stack.enter_context(held)


def _free(count: int, stack: ExitStack, host: str) -> list[int]:
    """Ports that nobody listens on, all held until `stack` ends, so that they differ."""
    found: list[int] = []
    for port in random.sample(_RANGE, _TRIES):
        probe = _held(port, host)
        if probe is not None:
            stack.enter_context(probe)
            found.append(port)
        if len(found) == count:
            return found
    raise Unavailable("no-port", f"This machine has no free ports on {host}.")


def _held(port: int, host: str) -> socket.socket | None:
    """A socket that holds `port`; None if somebody else does."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((host, port))
    except OSError:
        probe.close()
        return None
    return probe
