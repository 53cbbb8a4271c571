"""Pages of our own at the hub: a team, for its admins; the log of a server, for its owner."""

from __future__ import annotations

from collections.abc import Callable

from jupyterhub.handlers import BaseHandler
from tornado import web

from fairihub_core.access import administers
from fairihub_core.clock import today
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import Snapshot
from fairihub_portal.team import team_page

Mismatches = Callable[[], tuple[Mismatch, ...]]
Written = Callable[[str], str]


class TeamPageHandler(BaseHandler):
    """`/hub/team/NAME`; for all who do not look after the team there is no such page."""

    def initialize(
        self, snapshot: Callable[[], Snapshot], mismatches: Mismatches, written: Written
    ) -> None:
        self._snapshot = snapshot
        self._mismatches = mismatches
        self._written = written

    @web.authenticated
    async def get(self, name: str) -> None:
        now, day = self._snapshot(), today()
        team = now.directory.team(name)
        if team is None or not administers(self.current_user.name, name, now.directory, day):
            raise web.HTTPError(404)
        page = team_page(team, now, day, self._mismatches(), self._written)
        self.finish(await self.render_template("team.html", team=page))


class LogPageHandler(BaseHandler):
    """`/hub/log`: what the reader's own server wrote last; the page asks the hub's API for it."""

    @web.authenticated
    async def get(self) -> None:
        self.finish(await self.render_template("log.html", user=self.current_user))
