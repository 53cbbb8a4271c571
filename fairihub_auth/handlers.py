"""`GET /hub/api/fairihub/snapshot`: the teams of this moment, for services that follow them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from jupyterhub.apihandlers import APIHandler

from fairihub_auth.publication import Publication
from fairihub_core.errors import BadInput, FairihubError, Refused
from fairihub_core.snapshot import Snapshot

SNAPSHOT_PATH = "/api/fairihub/snapshot"
SNAPSHOT_SCOPE = "custom:fairihub:snapshot"
MAX_WAIT = 25.0

CUSTOM_SCOPES = {
    SNAPSHOT_SCOPE: {
        "description": "Read all teams, their members and profiles. For services, not for people."
    }
}
"""For `c.JupyterHub.custom_scopes`."""

Newer = Callable[[int, float], Awaitable["Snapshot | None"]]


def handlers_for(publication: Publication) -> list[tuple[str, type[APIHandler], dict[str, Newer]]]:
    """For `c.JupyterHub.extra_handlers`, which puts `/hub` before each path.

    The publication reaches the handler in a function: the configuration is copied deeply, and of
    a publication there is one only.
    """

    async def newer(after: int, timeout: float) -> Snapshot | None:
        return await publication.wait_newer(after, timeout)

    return [(SNAPSHOT_PATH, SnapshotHandler, {"newer": newer})]


class SnapshotHandler(APIHandler):
    """Answers with the snapshot once its number is not `after`, or 304 after `wait` seconds."""

    def initialize(self, newer: Newer) -> None:
        self._newer = newer

    async def get(self) -> None:
        try:
            snapshot = await self._asked_for()
        except asyncio.CancelledError:  # the hub ends: no error of its own, and no work left
            self.set_status(503)
            return
        except FairihubError as error:
            self.set_status(error.status)
            self.finish(json.dumps(error.to_dict()))
            return
        self.set_header("Cache-Control", "no-store")
        if snapshot is None:
            self.set_status(304)
            self.finish()
        else:
            self.finish(snapshot.model_dump_json())

    async def _asked_for(self) -> Snapshot | None:
        if not self.has_scope(SNAPSHOT_SCOPE):
            raise Refused(
                "no-snapshot-scope", f"Use the token of a service that holds {SNAPSHOT_SCOPE}."
            )
        after = self._number("after", -1)
        wait = self._number("wait", 0)
        return await self._newer(after, min(max(wait, 0), MAX_WAIT))

    def _number(self, name: str, default: int) -> int:
        given: Any = self.get_query_argument(name, str(default))
        try:
            return int(given[:20])
        except ValueError:
            raise BadInput("bad-number", f"“{name}” must be a whole number.") from None
