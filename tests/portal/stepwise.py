"""A local server that tells of its start as one on a cluster does, where a test asks for it.

The file `start.json` in the folder of the hub says what the cluster would: a list of progress
events, which last until the file changes; a final diagnosis ends the start, and what is left of it
is cleared away once it says `fail`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from traitlets import Unicode

from fairihub_core import clock
from fairihub_core.servers import ServerLog
from fairihub_core.starts import Diagnosis, Start, Step, diagnosed
from fairihub_spawner.kube.steps import progress_event
from fairihub_spawner.local import TeamLocalSpawner
from fairihub_spawner.team_server import refusal_of


class StepwiseSpawner(TeamLocalSpawner):
    """As TeamLocalSpawner, and in steps where there is a `start.json`."""

    folder = Unicode(help="Where `start.json` is.").tag(config=True)
    _kept: dict[str, Start] = {}  # noqa: RUF012 - of the hub, as it survives a spawner

    def _script(self) -> dict[str, Any] | None:
        path = Path(self.folder) / f"start-{self.user.name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    @property
    def last_start(self) -> Start | None:
        start, said = self._kept.get(self.user.name), self._script()
        if start is None or start.state != "starting" or not said:
            return start
        steps, diagnosis = self._now(said)
        return start.model_copy(update={"steps": steps, "diagnosis": diagnosis})

    def _now(self, said: dict[str, Any]) -> tuple[tuple[Step, ...], Diagnosis | None]:
        steps = tuple(Step.model_validate(step) for step in said["steps"])
        told = said.get("diagnosis")
        return steps, Diagnosis.model_validate(told) if told else None

    async def start(self) -> tuple[str, int]:
        said = self._script()
        if said is None:
            self._kept.pop(self.user.name, None)
            address: tuple[str, int] = await super().start()
            return address
        profile = self.user_options.get("profile", "")
        start = Start(server="", profile=profile, began=clock.now(), state="starting")
        self._kept[self.user.name] = start
        try:
            return await self._scripted(start)
        except asyncio.CancelledError:
            self._keep(start, (), diagnosed("start-cancelled", clock.now(), final=True))
            raise

    async def _scripted(self, start: Start) -> tuple[str, int]:
        while not (said := self._script() or {}).get("fail"):
            if not said:
                self._kept.pop(self.user.name)
                address: tuple[str, int] = await super().start()
                return address
            steps, diagnosis = self._now(said)
            if diagnosis and diagnosis.final:
                break
            await asyncio.sleep(0.1)
        steps, diagnosis = self._now(said)
        assert diagnosis
        self._keep(start, steps, diagnosis)
        raise refusal_of(diagnosis.code, diagnosis.said, 503)

    def clear_state(self) -> None:
        super().clear_state()
        if not self._stop_pending:
            self._kept.pop(self.user.name, None)

    async def run_post_stop_hook(self) -> None:
        while (said := self._script() or {}) and not said["fail"]:
            if not (said["diagnosis"] or {}).get("final"):
                return
            await asyncio.sleep(0.1)  # what is left of the start is cleared away

    def _keep(self, start: Start, steps: tuple[Step, ...], diagnosis: Diagnosis) -> None:
        told = {"state": "failed", "steps": steps, "diagnosis": diagnosis, "ended": clock.now()}
        self._kept[self.user.name] = start.model_copy(update=told)

    async def progress(self) -> Any:
        last = None
        if self._script():
            yield progress_event(())  # as long as there is no pod
        while True:
            said = self._script()
            if said and said != last:
                last = said
                yield progress_event(*self._now(said))
            await asyncio.sleep(0.1)

    async def log_lines(self, lines: int) -> ServerLog:
        path = Path(self.folder) / f"log-{self.user.name}"
        told = path.read_text().splitlines() if path.exists() else []
        return ServerLog(lines=tuple(told[-lines:]), whole=len(told) <= lines)
