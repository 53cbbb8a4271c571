"""A server as a process of this machine, with the size and equipment of the chosen profile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Integer, Unicode, default

from fairihub_core import clock, processes
from fairihub_core.equipment import environment_of, own_packages
from fairihub_core.errors import FairihubError
from fairihub_core.handover import token_is_given
from fairihub_core.homes import prepare_home
from fairihub_core.offers import Offer
from fairihub_core.places import Places
from fairihub_core.starts import refused
from fairihub_core.team_secrets import secrets_of
from fairihub_spawner import limits
from fairihub_spawner.team_server import TeamServer, refusal_of

JUPYTER_CONFIG = Path(__file__).parent / "jupyter_config"
"""Defaults of JupyterLab's own settings in our servers; a member's own settings win."""
SERVER_MARK = "FAIRIHUB_SERVER"
"""The environment variable by which all that a server started is found again."""


@dataclass(frozen=True)
class Kit:
    """What one start of a server was given, and how what it started is found again."""

    mark: str
    confinement: limits.Confinement
    home: Path
    environment: dict[str, str]


class TeamLocalSpawner(TeamServer, SimpleLocalProcessSpawner):
    """A server with the size and equipment of the profile that its owner chose."""

    data = Unicode(help="The data folder of the hub.").tag(config=True)
    activity_seconds = Integer(
        60, help="How often a server looks whether it works, and tells the hub."
    ).tag(config=True)
    pid: int
    kit: Kit | None = None

    @property
    def has_started(self) -> bool:
        return self.kit is not None

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        # Isolated: a `random.py` in the home must not keep the server from starting.
        return [sys.executable, "-I", "-m", "fairihub_spawner.singleuser"]

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return ["LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ", "VIRTUAL_ENV"]

    @default("popen_kwargs")
    def _default_popen_kwargs(self) -> dict[str, Any]:
        return {"stdin": subprocess.DEVNULL}

    async def start(self) -> tuple[str, int]:
        """Starts the server, or says why not.

        Raises:
            SpawnException: with the status and message of what was refused.
        """
        self.cancelled_by_somebody = False
        try:
            self.kit = await asyncio.to_thread(self._equipped, self.chosen_offer())
        except FairihubError as error:
            told = refused(error.code, error.message, clock.now(), error.details)
            raise refusal_of(error.code, error.message, error.status, told) from None
        self.home_dir = str(self.kit.home)
        token_is_given()
        address: tuple[str, int] = await super().start()
        return address

    def _equipped(self, offer: Offer) -> Kit:
        """Prepares all that is on disk. Blocks."""
        places, team, profile = Places(Path(self.data)), offer.team.name, offer.profile
        name = profile.s3_bucket_name
        access = self.bucket_of(team, name) if name else None
        secrets = secrets_of(offer, places)
        home = prepare_home(places, team, self.user.name, name if access else None)
        if name and access is None:
            self.log.warning("%s: bucket “%s” is not for team %s", self._log_name, name, team)
        for kept in home.kept:
            self.log.warning("%s: ~/%s is a file of its owner's; left", self._log_name, kept)
        mark = uuid4().hex
        confinement = limits.confine(f"fairihub-{mark}", profile.mem_limit, profile.cpu_limit)
        return Kit(mark, confinement, home.path, environment_of(offer, access, secrets))

    def get_env(self) -> dict[str, str]:
        """The environment of the profile; what the hub says of itself comes before any secret."""
        env: dict[str, str] = super().get_env()
        if self.kit is None:
            return env
        own_programs = str(Path(sys.executable).parent)
        said = {
            "JUPYTERHUB_ROOT_DIR": str(self.kit.home),
            "JUPYTERHUB_ACTIVITY_INTERVAL": str(self.activity_seconds),
            "PATH": os.pathsep.join(
                dict.fromkeys([own_programs, *env.get("PATH", os.defpath).split(os.pathsep)])
            ),
            "JUPYTER_CONFIG_PATH": str(JUPYTER_CONFIG),
            SERVER_MARK: self.kit.mark,
        }
        return {**self.kit.environment, **env, **own_packages(self.kit.home), **said}

    def get_args(self) -> list[str]:
        """Ours, then the operator's, which win."""
        ours = [
            # What is built, installed or switched off would be so for the hub and everyone.
            "--ServerApp.jpserver_extensions=fairihub_spawner.no_builds=True",
            "--LabApp.extension_manager=readonly",
            "--PluginManager.level=user",
        ]
        if os.geteuid() == 0:
            ours.append("--ServerApp.allow_root=True")
        return [*ours, *super().get_args()]

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """For the child before exec: into the home and into the confinement."""
        kit = self.kit

        def enter() -> None:
            if kit is not None:
                kit.confinement.enter()
                os.chdir(kit.home)

        return enter

    async def _signal(self, sig: int) -> bool:
        """Whether the signal reached the server. A zombie would take it, and count as running."""
        alive = processes.started_at(self.pid) is not None
        return alive and bool(await super()._signal(sig))

    async def stop(self, now: bool = False) -> None:
        """Stops the server, and ends whatever it started."""
        children = await asyncio.to_thread(processes.descendants, self.pid) if self.pid else []
        await super().stop(now)
        await asyncio.to_thread(processes.end, children)
        await asyncio.to_thread(self._sweep)

    async def run_post_stop_hook(self) -> None:
        """Also called where the server ended by itself, so that its children end as well."""
        await asyncio.to_thread(self._sweep)
        hook = super().run_post_stop_hook()
        if isawaitable(hook):
            await hook

    def _sweep(self) -> None:
        kit, self.kit = self.kit, None
        if kit is None:
            return
        if not kit.confinement.group.folders:
            processes.end(processes.marked(SERVER_MARK, kit.mark))
        if not kit.confinement.group.end():
            self.log.error("%s: processes in %s do not end", self._log_name, kit.confinement.group)

    def get_state(self) -> dict[str, Any]:
        """Enough to find the server, and what it started, after a restart of the hub."""
        state: dict[str, Any] = super().get_state()
        if self.kit is not None and self.pid:
            state["started_at"] = processes.started_at(self.pid)
            state["mark"] = self.kit.mark
            state["groups"] = [str(f) for f in self.kit.confinement.group.folders]
            state["home"] = str(self.kit.home)
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Takes up a server of an earlier hub, or clears away what it left behind."""
        super().load_state(state)
        if "mark" in state:
            confinement = limits.resumed(state.get("groups", []))
            self.kit = Kit(state["mark"], confinement, Path(state["home"]), {})
            if not processes.is_still(self.pid, state["started_at"]):
                self.pid = 0
                self._sweep()
