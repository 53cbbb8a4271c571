"""Customer objects of a Kubernetes cluster as a source of team files.

They are followed in a thread with an event loop of its own: the hub's loop never waits for the
cluster, nor does whoever looks at the team files.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping

from fairihub_auth.customer_object import CustomerObject, judged
from fairihub_auth.kube_access import Access
from fairihub_auth.object_following import ObjectFollower, Objects, Tempo
from fairihub_auth.object_status import Wanted, status_of
from fairihub_auth.sources import MAX_FILES, Source
from fairihub_core.customer import Reading
from fairihub_core.errors import BadInput, FairihubError, TooLarge, Unavailable
from fairihub_core.snapshot import Snapshot

FIRST_SECONDS = 15.0
"""How long the start of the hub waits for the first list."""


class CustomerObjects(Source):
    """The Customer objects of one cluster, in all namespaces or in one.

    Args:
        name: what findings call it.
        operators: the namespace whose objects may describe any team; an object elsewhere
            describes the team of its own namespace only.

    Raises:
        BadInput: `bad-cluster`, the name cannot be one.
    """

    def __init__(
        self,
        access: Access,
        *,
        name: str,
        operators: str | None = None,
        tempo: Tempo | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
            raise BadInput("bad-cluster", f"“{name[:40]}” is no name of a cluster here.")
        self._name = name
        self._operators = operators
        self._listed: Objects = {}
        self._read: dict[str, CustomerObject] = {}
        self._news: Callable[[], None] = lambda: None
        self._stamped: Mapping[str, Hashable] | None = None
        self._told: FairihubError | None = None
        self._first = threading.Event()
        self._wait_until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._follower = ObjectFollower(access, tempo or Tempo(), self._changed)
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self._name

    def stamps(self) -> Mapping[str, Hashable]:
        self._first.wait(max(self._wait_until - time.monotonic(), 0))
        objects = self._follower.objects
        if objects is None:
            raise self._follower.problem() or Unavailable(
                "source-away", "It has not answered yet. Its teams stay as they were."
            )
        if len(objects) > MAX_FILES:
            raise TooLarge(
                "too-many-teams",
                f"The cluster has {len(objects):,} Customer objects; at most {MAX_FILES:,} are "
                "read. All teams stay as they are until there are fewer.",
            )
        self._listed = objects
        return self._stamps_of(objects)

    def read(self, name: str) -> str:
        found = self._listed[name]
        self._read[name] = found
        return found.text()

    def revision(self, name: str) -> str | None:
        return self._listed[name].version

    def judged(self, reading: Reading) -> Reading:
        return judged(reading, self._listed[reading.path], self._operators)

    def away(self) -> FairihubError | None:
        return self._follower.away()

    def start(self, news: Callable[[], None]) -> None:
        self._news = news
        self._wait_until = time.monotonic() + FIRST_SECONDS
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._follow, args=(self._loop,), name=f"cluster-{self._name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._on_loop(self._follower.stop)
        self._first.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def poke(self) -> None:
        self._on_loop(self._follower.poke)

    def told(self, before: Snapshot, after: Snapshot) -> None:
        """Says in the status of each object what became of it."""
        wanted = list(self._wanted(after))
        self._on_loop(lambda: self._follower.writer.want(wanted))

    def _wanted(self, after: Snapshot) -> Iterator[Wanted]:
        objects = self._follower.objects or {}
        for report in after.files:
            found = self._read.get(report.path) if report.source == self._name else None
            # Else what was read since then is yet to be told of.
            if found is not None and report.read == found.version:
                latest = objects.get(report.path)
                if latest is not None and latest.uid == found.uid:
                    found = dataclasses.replace(found, status=latest.status)
                team = after.directory.team(report.team) if report.team else None
                yield Wanted(found, status_of(found, report, team, after.taken))

    def _stamps_of(self, objects: Objects) -> Mapping[str, Hashable]:
        """Those of the operators first, then by age: who comes later takes nothing from others."""

        def age(found: CustomerObject) -> tuple[bool, str, str]:
            return (found.namespace != self._operators, found.created, found.path)

        return {found.path: found.stamp for found in sorted(objects.values(), key=age)}

    def _changed(self) -> None:
        """Called in the loop; a status that was written is no news."""
        objects, problem = self._follower.objects, self._follower.problem()
        stamps = None if objects is None else self._stamps_of(objects)
        if stamps is not None or problem is not None:
            self._first.set()
        if (stamps, problem) != (self._stamped, self._told):
            self._stamped, self._told = stamps, problem
            self._news()

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(self._follower.run())
        finally:
            self._first.set()
            # Connections that were closed just now let go of their sockets in the next turn.
            loop.run_until_complete(asyncio.sleep(0.01))
            loop.close()

    def _on_loop(self, do: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody follows any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(do)
