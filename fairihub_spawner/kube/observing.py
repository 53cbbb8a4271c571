"""One start as the cluster shows it: the pod, its events and claims, the container's last words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any

from fairihub_core import clock
from fairihub_core.starts import Diagnosis, Step, diagnosed
from fairihub_spawner.kube.api import trouble_with
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.diagnosis import LOGGED, diagnose, queue_before
from fairihub_spawner.kube.image_sizes import ImageSizes
from fairihub_spawner.kube.last_words import LINES, last_words
from fairihub_spawner.kube.observed import node_of, part, text
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.steady import Placed, is_the_one
from fairihub_spawner.kube.steps import steps_of
from fairihub_spawner.kube.watching import Mirror

LOOK_SECONDS = 1.0
ASK_SECONDS = 3.0
"""How often is asked for what is not followed."""
WORDS_SECONDS = 3.0
"""So long is asked for what an ended container wrote, if there seems to be nothing."""

TROUBLE_SECONDS = 10.0
"""After so long without an answer the start says that it has none."""

Hidden = Callable[[], Awaitable[tuple[str, ...]]]
Told = Callable[[tuple[Step, ...], "Diagnosis | None"], None]


class Observer:
    """Looks at a start while it lasts; to be entered, and left, as a context.

    Args:
        pods: all pods of the hub, followed.
        placed: what the start has made; where its uid is known, no other pod counts.
        hidden: asks for the values that must not be told, such as the server's token.
        sizes: of images, of all starts.
    """

    def __init__(
        self,
        calls: Calls,
        pods: Mirror,
        placed: Placed,
        settings: KubeSettings,
        hidden: Hidden,
        sizes: ImageSizes,
    ) -> None:
        self._calls = calls
        self._pods = pods
        self._placed = placed
        self._settings = settings
        self._hidden = hidden
        self._sizes = sizes
        self._events = calls.events_about(placed.namespace, placed.pod)
        self._key = f"{placed.namespace}/{placed.pod}"
        self._claims: list[dict[str, Any]] = []
        self._of_claims: list[dict[str, Any]] = []
        self._words: tuple[str, ...] = ()
        self._cleaned: tuple[str, tuple[str, ...]] | None = None
        self._asked = 0.0
        self._answer: dict[str, Any] | None = None
        self._gone: datetime | None = None
        self._refused: tuple[float, Diagnosis] | None = None
        self._away: datetime | None = None
        self._silent_since: float | None = None

    async def __aenter__(self) -> Observer:
        await self._events.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sizes.remember(self.pod or {}, self._happened)
        await self._events.stop()

    @property
    def pod(self) -> dict[str, Any] | None:
        """The pod as it is followed or, while that shows none or an earlier one, as it was asked
        for last.
        """
        return self._followed or self._answer

    @property
    def _followed(self) -> dict[str, Any] | None:
        return self._own(self._pods.resources.get(self._key))

    def _own(self, found: dict[str, Any] | None) -> dict[str, Any] | None:
        """Nothing, where the pod is that of another start."""
        return found if is_the_one(found, self._placed.pod_uid) else None

    async def pod_itself(self) -> dict[str, Any] | None:
        """The pod as the API has it now; as it was told last, if the API does not answer."""
        try:
            return await self._pod_of_the_api()
        except LostCause:
            return self.pod

    async def _pod_of_the_api(self) -> dict[str, Any] | None:
        placed = self._placed
        return await self._calls.pod(placed.namespace, placed.pod, placed.pod_uid)

    def diagnosis(self) -> Diagnosis | None:
        """What keeps the start at this moment; where nobody can say, why that is."""
        found = self._found()
        if found is not None and found.final:
            return found
        trouble = self._trouble()
        if trouble is None:
            return found
        # It may pass, also where somebody has to see to it: the pod comes up by itself.
        since = self._away or clock.now()
        return trouble.model_copy(update={"final": False, "since": since})

    def _trouble(self) -> Diagnosis | None:
        """Why the cluster does not say how the start stands, once that has lasted.

        Its events do not count: a hub that may not read them has the pod's own word.
        """
        if self._pods.silent_for() > TROUBLE_SECONDS:
            return trouble_with(self._pods.trouble, "following the pods")
        since, refusal = self._refused or (time.monotonic(), None)
        return refusal if time.monotonic() - since > TROUBLE_SECONDS else None

    def _found(self) -> Diagnosis | None:
        pod = self.pod
        if self._gone is not None:
            return diagnosed("pod-deleted", self._gone, final=True)
        queue = queue_before(pod, self._pods.resources.values()) if pod else None
        return diagnose(
            pod,
            self._happened,
            self._claims,
            clock.now(),
            self._settings,
            queue=queue,
            last_words=self._words,
        )

    def steps(self, diagnosis: Diagnosis | None = None, ready: bool = False) -> tuple[Step, ...]:
        """Every step of the start at this moment."""
        return steps_of(
            self.pod,
            self._happened,
            self._claims,
            clock.now(),
            diagnosis=diagnosis,
            sizes=self._sizes.known,
            ready=ready,
        )

    async def lost_cause(self, told: Told) -> Diagnosis:
        """Waits until the start is known to be lost, and says why; `told` hears of every look."""
        while True:
            found = self.diagnosis()
            if found is not None and found.code in LOGGED:
                await self._ask_last_words()
                found = self.diagnosis()
            told(self.steps(found), found)
            if found is not None and found.final and not self._may_still_speak(found):
                return found
            await self.changed()
            await self._ask()

    def _may_still_speak(self, found: Diagnosis) -> bool:
        """Whether the log, which a busy node does not give at once, may still say why."""
        if found.code not in LOGGED or self._words:
            return False
        now = time.monotonic()
        return now - (self._silent_since or now) < WORDS_SECONDS

    async def changed(self) -> None:
        """Waits until the start may look otherwise."""
        await self._pods.changed(self._key, LOOK_SECONDS)

    @property
    def _happened(self) -> list[dict[str, Any]]:
        of_pod = [event for event in self._events.resources.values() if self._is_own(event)]
        return [*of_pod, *self._of_claims]

    def _is_own(self, event: dict[str, Any]) -> bool:
        uid = text(part(event, "involvedObject"), "uid")
        return not uid or self._placed.pod_uid in (None, uid)

    async def _ask(self) -> None:
        """Asks for what is not followed, and notes since when nobody says how the start stands."""
        await self._ask_the_api()
        self._away = (self._away or clock.now()) if self._trouble() else None

    async def _ask_the_api(self) -> None:
        """Asks for the claims, until the pod has a node and so has its volumes.

        A pod that is not told of is asked for, too: one that is deleted by force is just gone.
        """
        pod = self._followed
        if pod is not None:
            self._answer = None
        if pod and node_of(pod):
            self._refused = None
            return
        if time.monotonic() - self._asked < ASK_SECONDS:
            return
        self._asked = time.monotonic()
        try:
            if pod is None:
                self._answer = await self._pod_of_the_api()
                self._gone = clock.now() if self.pod is None else None
            await self._ask_for_claims()
        except LostCause as lost:
            # What is known counts until the API answers again.
            self._refused = self._refused or (time.monotonic(), lost.diagnosis)
        else:
            self._refused = None

    async def _ask_for_claims(self) -> None:
        namespace = self._placed.namespace
        asked = {name: await self._calls.claim(namespace, name) for name in self._placed.claims}
        found = {name: claim for name, claim in asked.items() if claim is not None}
        self._claims = list(found.values())
        self._of_claims = [
            event
            for name, claim in found.items()
            if text(part(claim, "status"), "phase") != "Bound"
            for event in await self._calls.events_of(namespace, name)
        ]

    async def _ask_last_words(self) -> None:
        """The end of the log of the container that runs now, or that ran before."""
        read = partial(self._calls.log, self._placed.namespace, self._placed.pod, lines=LINES)
        try:
            hidden = await self._hidden()
            log = (await read(previous=True)).text or (await read()).text
        except LostCause:
            return
        finally:
            self._silent_since = self._silent_since or time.monotonic()
        if self._cleaned == (log, hidden):
            return
        # A log that was made to be hard to clean must not hold up the hub.
        self._words = await asyncio.to_thread(last_words, log, hidden) or self._words
        self._cleaned = log, hidden
