"""What all servers of teams have in common, processes or pods: whose they are, and how long.

The owner's right to a profile is asked for at every start, of the directory of that moment, and
again while the server runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyterhub.spawner import SpawnException
from traitlets import Callable as CallableTrait
from traitlets import Float, default

from fairihub_core import clock
from fairihub_core.audit import Entry
from fairihub_core.errors import FairihubError
from fairihub_core.offers import Offer, parted
from fairihub_core.servers import ended_by_hub
from fairihub_core.starts import Diagnosis
from fairihub_spawner import options

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner as _Spawner
else:
    # JupyterHub wants of every class that is a Spawner that it can start a server.
    from traitlets.config import LoggingConfigurable as _Spawner

SERVER_ARGS = (
    "--ServerApp.jpserver_extensions=fairihub_spawner.activity=True",
    "--ServerApp.jpserver_extensions=fairihub_spawner.sockets=True",
    # How long a server goes by what the hub said of its visitor, for sockets as well.
    "--HubOAuth.cache_max_age=3",
    # Nobody is to be asked, or counted, by others than this hub.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
)
"""For every server; an image without fairihub warns of the extensions, and does without."""


class TeamServer(_Spawner):
    """The part of a spawner that knows teams; it stands before one that knows how servers run."""

    directory = CallableTrait(help="The teams of this moment: () -> TeamDirectory.").tag(
        config=True
    )
    bucket_of = CallableTrait(
        default_value=lambda team, bucket: None,
        help="How a team reaches a bucket: (team, bucket) -> BucketAccess or None.",
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

    user_options: dict[str, Any]
    refused_since: datetime | None = None
    ending: bool = False
    cancelled_by_somebody: bool = False
    """Of the last start: told and asked by `fairihub_core.servers`."""

    @property
    def has_started(self) -> bool:
        """Whether a server was started that may have to end."""
        raise NotImplementedError

    @default("default_url")
    def _default_default_url(self) -> str:
        return "/lab"

    @default("http_timeout")
    def _default_http_timeout(self) -> int:
        # A whole class that starts at once shares the cores of one machine.
        return 120

    @default("options_from_form")
    def _default_options_from_form(self) -> Callable[..., dict[str, Any]]:
        return options.options_from_form

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Callable[..., None]:
        # In start() they are: JupyterHub logs what is refused here with a traceback.
        return lambda spawner, user_options: None

    @default("poll_interval")
    def _default_poll_interval(self) -> int:
        return 10

    def get_args(self) -> list[str]:
        """Ours, then the operator's, which win."""
        return [*SERVER_ARGS, *super().get_args()]

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, Any]:
        """The choice in a link to `/hub/spawn`; one on another site may not start a server."""
        if options.wants_a_click(self.handler.request.headers):
            raise refusal_of(
                "needs-click",
                "A link from another site asks to start this server. Choose the profile here.",
                403,
            )
        return options.options_from_form(query_data)

    def chosen_offer(self) -> Offer:
        """What the owner asks to start, if they may; the choice is remembered for next time.

        Raises:
            FairihubError: they may not, or ask for what nobody may choose.
        """
        try:
            offer, remembered = options.choice(
                self.user_options, self.user.name, self.directory(), clock.today()
            )
        except FairihubError as error:
            if error.status == 400:
                # JupyterHub has saved them already and would take them again next time.
                self.orm_spawner.user_options = {}
            raise
        self.user_options = self.orm_spawner.user_options = remembered
        return offer

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
        admitted = team is not None and team.admits(login, clock.today())
        if admitted or not self.has_started:
            self.refused_since = None
            return None
        self.refused_since = self.refused_since or self.removed_at(login) or clock.now()
        return self.refused_since + timedelta(seconds=self.removal_grace)


def refusal_of(
    code: str, message: str, status: int, diagnosis: Diagnosis | None = None
) -> SpawnException:
    """A refusal as JupyterHub tells it: by form as a page, by REST as JSON, without a traceback.

    Args:
        diagnosis: where there is more to say than the message.
    """
    refusal = SpawnException(message, reason=code, status_code=status)
    # The page would show the exception's repr otherwise.
    refusal.jupyterhub_message = message
    refusal.diagnosis = diagnosis
    return refusal
