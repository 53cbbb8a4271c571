"""The hub's API of leftovers: what a hub has made in the cluster and needs no more."""

from __future__ import annotations

from collections.abc import Callable

from fairihub_core import clock
from fairihub_core.audit import Entry, Record
from fairihub_core.errors import Missing
from fairihub_core.hub_callers import caller_of, require_operator
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.answering import Handlers, JsonHandler, away
from fairihub_spawner.kube.calls import LostCause
from fairihub_spawner.kube.leftovers import Leftover, Leftovers
from fairihub_spawner.kube.sweeper import Sweeper


def leftover_handlers(
    sweeper: Callable[[], Sweeper | None],
    directory: Callable[[], TeamDirectory],
    record: Record,
) -> Handlers:
    """For `c.JupyterHub.extra_handlers`; plain functions, as configuration is copied.

    Args:
        sweeper: of this hub; None where servers are no pods.
    """
    given = {"sweeper": sweeper, "directory": directory, "record": record}
    return [("/api/fairihub/leftovers", LeftoversHandler, given)]


class LeftoversHandler(JsonHandler):
    """`GET`: what is left over, looked for now. `DELETE`: deletes it, but never a volume."""

    def initialize(  # type: ignore[override]
        self,
        sweeper: Callable[[], Sweeper | None],
        directory: Callable[[], TeamDirectory],
        record: Record,
    ) -> None:
        super().initialize(directory)
        self._sweeper_of = sweeper
        self._record = record

    async def get(self) -> None:
        await self.answer(self._found())

    async def delete(self) -> None:
        await self.answer(self._cleared())

    async def _found(self) -> Leftovers:
        require_operator(caller_of(self), self._directory())
        sweeper = self._sweeper()
        try:
            return Leftovers(leftovers=await sweeper.look(), unread=sweeper.unread)
        except LostCause as lost:
            raise away(lost.diagnosis) from None

    async def _cleared(self) -> Leftovers:
        caller = caller_of(self)
        require_operator(caller, self._directory())
        sweeper = self._sweeper()
        try:
            return await sweeper.clear(lambda gone: self._record(_entry(gone, caller.name)))
        except LostCause as lost:
            raise away(lost.diagnosis) from None

    def _sweeper(self) -> Sweeper:
        """What looks after the cluster.

        Raises:
            Missing: `no-pods`.
        """
        sweeper = self._sweeper_of()
        if sweeper is None:
            raise Missing("no-pods", "The servers of this hub are no pods of a cluster.")
        return sweeper


def _entry(gone: Leftover, by: str) -> Entry:
    said = f"{gone.kind} {gone.namespace}/{gone.name}: {gone.why}"
    return Entry(
        at=clock.now(), action="leftover-deleted", login=gone.login, by=by, team=gone.team,
        detail=said,
    )  # fmt: skip
