"""The hub's API of leftovers: what a hub has made in the cluster and needs no more."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from fairihub_core import clock
from fairihub_core.audit import Entry, Record
from fairihub_core.callers import limited, not_a_person, signed_out
from fairihub_core.errors import Missing, Refused
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.answering import Handlers, JsonHandler, away
from fairihub_spawner.kube.calls import LostCause
from fairihub_spawner.kube.leftovers import Leftover, Leftovers
from fairihub_spawner.kube.sweeper import Sweeper


def leftover_handlers(
    sweeper: Callable[[], Sweeper | None],
    directory: Callable[[], TeamDirectory],
    record: Record,
    consoles: Collection[str] = (),
) -> Handlers:
    """For `c.JupyterHub.extra_handlers`; plain functions, as configuration is copied.

    Args:
        sweeper: of this hub; None where servers are no pods.
        consoles: services that speak for the operators.
    """
    given = {"sweeper": sweeper, "directory": directory, "record": record, "consoles": consoles}
    return [("/api/fairihub/leftovers", LeftoversHandler, given)]


class LeftoversHandler(JsonHandler):
    """`GET`: what is left over, looked for now. `DELETE`: deletes it, but never a volume."""

    def initialize(  # type: ignore[override]
        self,
        sweeper: Callable[[], Sweeper | None],
        directory: Callable[[], TeamDirectory],
        record: Record,
        consoles: Collection[str],
    ) -> None:
        super().initialize(directory)
        self._sweeper_of = sweeper
        self._record = record
        self._consoles = consoles

    async def get(self) -> None:
        await self.answer(self._found())

    async def delete(self) -> None:
        await self.answer(self._cleared())

    async def _found(self) -> Leftovers:
        _, sweeper = self._asked()
        try:
            return Leftovers(leftovers=await sweeper.look(), unread=sweeper.unread)
        except LostCause as lost:
            raise away(lost.diagnosis) from None

    async def _cleared(self) -> Leftovers:
        by, sweeper = self._asked()
        try:
            return await sweeper.clear(lambda gone: self._record(_entry(gone, by)))
        except LostCause as lost:
            raise away(lost.diagnosis) from None

    def _asked(self) -> tuple[str, Sweeper]:
        """Who asks, and whom to ask.

        Raises:
            SignedOut: nobody, or somebody who is let in no more.
            Refused: `not-a-person`, `no-scope`, `operators-only`.
            Missing: `no-pods`.
        """
        user: Any = self.current_user
        if user is None:
            raise signed_out()
        name: str = user.name
        if user.kind == "service":
            if name not in self._consoles:
                raise not_a_person()
        elif self.get_token() is not None and not self.has_scope(f"tokens!user={name}"):
            raise limited()
        elif name not in self._directory().operators:
            raise Refused("operators-only", "This is for the operators of the hub.")
        sweeper = self._sweeper_of()
        if sweeper is None:
            raise Missing("no-pods", "The servers of this hub are no pods of a cluster.")
        return name, sweeper


def _entry(gone: Leftover, by: str) -> Entry:
    said = f"{gone.kind} {gone.namespace}/{gone.name}: {gone.why}"
    return Entry(
        at=clock.now(), action="leftover-deleted", login=gone.login, by=by, team=gone.team,
        detail=said,
    )  # fmt: skip
