"""One attempt at an echo: a pause, then its inputs are its outputs; no process is needed."""

from __future__ import annotations

import asyncio
import contextlib
import json

from fairihub_core.clock import now
from fairihub_core.files import write_whole
from fairihub_headless.engine.attempt import Attempt
from fairihub_headless.models import ExitRecord
from fairihub_headless.processes.echo import OUTPUTS_FILE
from fairihub_headless.threads import ENGINE


class EchoAttempt(Attempt):
    """Ends, is dismissed and is recorded as every other attempt."""

    async def give_back(self) -> None:
        """Waits for the pause, then leaves what was given."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._asked.wait(), self.run.parameters.get("pause", 0))
        if self._asked.is_set():
            return await self.finished(None)
        await ENGINE.do(self._leave)
        await self.finished(ExitRecord(state="successful", message="Done.", finished=now()))

    def _leave(self) -> None:
        self.folder.unpublish()
        self.folder.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = json.dumps(self.run.parameters, ensure_ascii=False).encode()
        write_whole(self.folder.work / OUTPUTS_FILE, content)
