"""Where the parts of a hub listen: the port that people know, and free ones that they never see."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

from fairihub.hub_settings import Ports
from fairihub_core.errors import BadInput, Conflict, Unavailable

# Below the ports that systems give to outgoing connections: one of those may be free now and
# taken a second later, when a service of ours wants to listen on it.
_RANGE = range(10_000, 32_000)
_TRIES = 500


def choose_ports(public: int, host: str = "127.0.0.1") -> Ports:
    """Free ports for all parts beside the public one.

    Raises:
        BadInput: `bad-settings`, this machine has no such address.
        Conflict: `port-in-use`, naming a port that is free.
    """
    with ExitStack() as stack:
        own = _held(0, host)
        if own is None:
            said = f"kubernetes.reach: “{host}” is no address of this machine."
            raise BadInput("bad-settings", said)
        stack.enter_context(own)
        held = _held(public, host)
        if held is None:
            (free,) = _free(1, stack, host)
            raise Conflict(
                "port-in-use", f"Port {public} is in use. Choose another, as: --port {free}"
            )
        stack.enter_context(held)
        hub, proxy_api, catalog, headless, s3 = _free(5, stack, host)
    return Ports(
        public=public, hub=hub, proxy_api=proxy_api, catalog=catalog, headless=headless, s3=s3
    )


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
