"""A server as a process of this machine, with the size and equipment of the chosen profile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import isawaitable
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyterhub.spawner import SimpleLocalProcessSpawner, SpawnException
from traitlets import Callable as CallableTrait
from traitlets import Float, Integer, Unicode, default

from fairihub_core import clock, processes
from fairihub_core.audit import Entry
from fairihub_core.equipment import environment_of, own_packages
from fairihub_core.errors import FairihubError
from fairihub_core.homes import prepare_home
from fairihub_core.offers import Offer, parted
from fairihub_core.places import Places
from fairihub_core.servers import ended_by_hub
from fairihub_core.team_secrets import secrets_of
from fairihub_spawner import limits, options

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


class TeamLocalSpawner(SimpleLocalProcessSpawner):
    """A server with the size and equipment of the profile that its owner chose.

    The owner's right to it is asked for at every start, of the directory of that moment.
    """

    directory = CallableTrait(help="The teams of this moment: () -> TeamDirectory.").tag(
        config=True
    )
    data = Unicode(help="The data folder of the hub.").tag(config=True)
    bucket_of = CallableTrait(
        default_value=lambda team, bucket: None,
        help="How a team reaches a bucket: (team, bucket) -> BucketAccess or None.",
    ).tag(config=True)

    activity_seconds = Integer(
        60, help="How often a server looks whether it works, and tells the hub."
    ).tag(config=True)
    removal_grace = Float(
        300, help="Seconds that a server goes on for an owner whom its team no longer admits."
    ).tag(config=True)
    removed_at = CallableTrait(
        default_value=lambda login: None,
        help="Since when no team admits a login, which a hub remembers over its restarts: "
        "(login) -> datetime or None.",
    ).tag(config=True)

    record = CallableTrait(
        default_value=lambda entry: None,
        help="Takes an audit Entry for each server that ends after the grace, and returns at once.",
    ).tag(config=True)

    pid: int
    kit: Kit | None = None
    refused_since: datetime | None = None
    ending: bool = False

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        # Isolated: a `random.py` in the home must not keep the server from starting.
        return [sys.executable, "-I", "-m", "fairihub_spawner.singleuser"]

    @default("default_url")
    def _default_default_url(self) -> str:
        return "/lab"

    @default("http_timeout")
    def _default_http_timeout(self) -> int:
        # A whole class that starts at once shares the cores of one machine.
        return 120

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return ["LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ", "VIRTUAL_ENV"]

    @default("popen_kwargs")
    def _default_popen_kwargs(self) -> dict[str, Any]:
        return {"stdin": subprocess.DEVNULL}

    @default("options_from_form")
    def _default_options_from_form(self) -> Callable[..., dict[str, Any]]:
        return options.options_from_form

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Callable[..., None]:
        # In start() they are: JupyterHub logs what is refused here with a traceback.
        return lambda spawner, user_options: None

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, Any]:
        """The choice in a link to `/hub/spawn`; one on another site may not start a server."""
        if options.wants_a_click(self.handler.request.headers):
            raise refusal_of(
                "needs-click",
                "A link from another site asks to start this server. Choose the profile here.",
                403,
            )
        return options.options_from_form(query_data)

    async def start(self) -> tuple[str, int]:
        """Starts the server, or says why not.

        Raises:
            SpawnException: with the status and message of what was refused.
        """
        try:
            offer, remembered = self._chosen()
            self.user_options = self.orm_spawner.user_options = remembered
            self.kit = await asyncio.to_thread(self._equipped, offer)
        except FairihubError as error:
            raise refusal_of(error.code, error.message, error.status) from None
        self.home_dir = str(self.kit.home)
        address: tuple[str, int] = await super().start()
        return address

    def _chosen(self) -> tuple[Offer, dict[str, str]]:
        try:
            return options.choice(
                self.user_options, self.user.name, self.directory(), clock.today()
            )
        except FairihubError as error:
            if error.status == 400:
                # JupyterHub has saved them already and would take them again next time.
                self.orm_spawner.user_options = {}
            raise

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
            "--ServerApp.jpserver_extensions=fairihub_spawner.activity=True",
            "--ServerApp.jpserver_extensions=fairihub_spawner.sockets=True",
            # What is built, installed or switched off would be so for the hub and everyone.
            "--ServerApp.jpserver_extensions=fairihub_spawner.no_builds=True",
            "--LabApp.extension_manager=readonly",
            "--PluginManager.level=user",
            # How long a server goes by what the hub said of its visitor, for sockets as well.
            "--HubOAuth.cache_max_age=3",
            # Nobody is to be asked, or counted, by others than this hub.
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
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

    @default("poll_interval")
    def _default_poll_interval(self) -> int:
        return 10

    async def poll(self) -> int | None:
        """None while the server runs and its owner may have it; looked at every ten seconds."""
        status: int | None = await super().poll()
        end = self.ends_at()
        # While one look ends the server, it runs for the others.
        if status is not None or end is None or clock.now() < end or self.ending:
            return status
        self.log.warning("%s: no longer a member; the server ends", self._log_name)
        self.ending = True
        try:
            await self.stop()
        finally:
            self.ending = False
        self.record(self._ended(end - timedelta(seconds=self.removal_grace)))
        return 1

    def _ended(self, since: datetime) -> Entry:
        choice = str(self.user_options.get("profile"))
        why = f"its team lets them in no more since {since:%Y-%m-%d %H:%M} UTC."
        return ended_by_hub(self.user.name, choice, why, clock.now())

    def ends_at(self) -> datetime | None:
        """When the server ends, as its team admits its owner no more; None while it does."""
        login = self.user.name
        name, _ = parted(str(self.user_options.get("profile")))
        team = self.directory().team(name)
        if self.kit is None or (team is not None and team.admits(login, clock.today())):
            self.refused_since = None
            return None
        self.refused_since = self.refused_since or self.removed_at(login) or clock.now()
        return self.refused_since + timedelta(seconds=self.removal_grace)

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


def refusal_of(code: str, message: str, status: int) -> SpawnException:
    """A refusal as JupyterHub tells it: by form as a page, by REST as JSON, without a traceback."""
    refusal = SpawnException(message, reason=code, status_code=status)
    # The page would show the exception's repr otherwise.
    refusal.jupyterhub_message = message
    return refusal
