"""A real hub, a stand-in for the cluster, and a node that brings up what a test lets it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.kube_hub import KubeHub
from tests.support.standin_kube import Kubelet, StandinKube
from tests.support.waiting import eventually

TEAM = "uc4"
TEN = tuple(f"one-of-ten-{n}" for n in range(10))
GRACE = "grace.h+lab@uni.example"
PEOPLE = ("ada", "bob", "cleo", "dan", "eve", "finn", "flo", GRACE, *TEN)
ALWAYS = float("inf")
POLLS = 2.5
"""Seconds in which the hub looks at each server twice, at least."""


@dataclass
class Scene:
    """The hub, the API and the node, and what there is of somebody's server."""

    hub: KubeHub
    kube: StandinKube
    kubelet: Kubelet

    def pods_of(self, login: str) -> list[dict[str, Any]]:
        return self._of(login, "pods")

    def secrets_of(self, login: str) -> list[dict[str, Any]]:
        return self._of(login, "secrets")

    def pod_of(self, login: str) -> dict[str, Any]:
        (pod,) = self.pods_of(login)
        return pod

    def uids_of(self, login: str) -> list[str]:
        """Of everything that somebody's server has; of no other thing of the same name."""
        found = (*self.pods_of(login), *self.secrets_of(login))
        return [str(one["metadata"]["uid"]) for one in found]

    def nothing_left(self, login: str) -> bool:
        return not (self.hub.server(login) or self.pods_of(login) or self.secrets_of(login))

    def runs(self, login: str) -> bool:
        return bool((self.hub.server(login) or {}).get("ready"))

    def start_of(self, login: str) -> dict[str, Any]:
        return self.hub.last_start(login) or {}

    def made(self, login: str) -> int:
        """How often the API was asked to make a pod for somebody."""
        asked = self.kube.requests("create", "pods")
        return sum(login_of(a.body) == login for a in asked)

    def ask_for(self, *logins: str) -> list[threading.Thread]:
        """Starts that nobody waits for: the hub takes ten seconds until it says “pending”."""
        threads = [threading.Thread(target=self._ask_for, args=(who,)) for who in logins]
        for thread in threads:
            thread.start()
        return threads

    def hub_dies_in_the_start_of(self, login: str) -> None:
        """The pod is there by then, and waits; the next hub finds it so."""
        self.kubelet.lets_run = lambda pod: False
        (asking,) = self.ask_for(login)
        assert eventually(lambda: self.pods_of(login))
        self.hub.end(signal.SIGKILL)
        asking.join(30)

    def _ask_for(self, login: str) -> None:
        try:
            self.hub.start(login, "small")
        except OSError:
            return  # the hub was killed meanwhile

    def _of(self, login: str, resource: str) -> list[dict[str, Any]]:
        return [found for found in self.kube.all(resource) if login_of(found) == login]


def login_of(found: dict[str, Any]) -> str:
    said: str = found["metadata"].get("annotations", {}).get("fairihub.io/login", "")
    return said


def stays(holds: Callable[[], Any], seconds: float = POLLS) -> bool:
    """Whether it holds at every moment of so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not holds():
            return False
        time.sleep(0.1)
    return True
