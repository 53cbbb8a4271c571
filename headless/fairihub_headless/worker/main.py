"""The child process that executes one run: `python -m fairihub_headless.worker FOLDER`.

It lives in a session of its own, holds none of the hub's tokens, and dies with the service:
its standard input is a line to it, and when that ends so does everything below the worker.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from fairihub_core.clock import now
from fairihub_core.files import folder_below, write_whole_in
from fairihub_core.lean import skip_slow_imports
from fairihub_core.processes import adopt_orphans, kill_descendants
from fairihub_headless.folders import RunFolder
from fairihub_headless.full_disk import is_full, no_room
from fairihub_headless.line import Line
from fairihub_headless.masking import Masker, secrets_in
from fairihub_headless.models import ExitRecord, Failure, WorkOrder
from fairihub_headless.worker.worklog import CappedLog, captured

LOST_SERVICE = 75
TERMINATED = 143
_SAVING = 3.0
_HEADROOM = 2 * 2**30
"""Address space beside the memory in use: threads, buffers and maps that are never touched."""


def main(arguments: list[str]) -> int:
    """Executes the run in the given folder; the exit record says how it ended."""
    folder = RunFolder.at(Path(arguments[0]))
    # Opened before the notebook begins, which may put other things in their place. What is
    # dup'ed is not handed on: the line to the service is this process's own.
    place, line = folder_below(folder.place, ""), Line(os.dup(1), folder.started)
    order = WorkOrder.model_validate_json(folder.order.read_bytes())
    folder.forget_order()
    os.chdir(folder.path)
    os.umask(0o022)  # what the notebook writes is an ordinary file of its home
    adopt_orphans()
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    with suppress(OSError):
        os.nice(5)  # the hub, the service and people at work come first
    secrets = {os.environ.get(name, "") for name in order.secret_names}
    log = CappedLog(folder.log, order.max_log_bytes, Masker(secrets | secrets_in(order.parameters)))
    with captured(log):
        if order.again is not None:
            log.say(order.again)
        record = _executed(folder, order, log, secrets, line)
    if log.trouble is not None and record.failure is None:
        about = no_room("its log") if is_full(log.trouble) else _unlogged(log.trouble)
        record = record.model_copy(update={"state": "failed", "failure": about})
    with suppress(OSError):  # the service is told as well; the file is for the one after it
        write_whole_in(place, folder.exit.name, record.model_dump_json().encode(), synced=False)
    line.end(record)
    return 0


def _executed(
    folder: RunFolder, order: WorkOrder, log: CappedLog, secrets: set[str], line: Line
) -> ExitRecord:
    skip_slow_imports()
    # Late, so that the line to the service is watched while the large libraries load.
    from fairihub_headless.worker.execution import Execution

    execution = Execution(folder, order, log, secrets, line)
    _listen(execution.interrupt, execution.save_now)
    _limit_memory(order.mem_limit)
    try:
        failure = execution.run()
    except Exception as problem:  # the border: whatever it was, the record says so
        failure = Failure(
            code="worker-failed",
            message="The run could not be executed; its log says more.",
            error=f"{type(problem).__name__}: {execution.masker.text(str(problem))}"[:2000],
        )
        log.say(f"{type(problem).__name__}: {problem}")
    kill_descendants()
    state: Literal["failed", "successful"] = "failed" if failure else "successful"
    if not execution.interrupted:  # else the service says by whom, or by what
        log.say(f"The run has ended: {state}.")
    return ExitRecord(
        state=state,
        failure=failure,
        cells=execution.cells,
        message=execution.remark,
        finished=now(),
        swept=execution.swept,
    )


def _unlogged(problem: OSError) -> Failure:
    return Failure(
        code="worker-failed",
        message=f"The log of the run could not be written: {problem.strerror}.",
    )


def _end_with_the_service() -> None:
    """Waits until the service's end of the line is closed, then ends everything."""
    while os.read(0, 4096):
        pass
    # The main thread keeps the partial notebook; if it hangs, this thread ends everything.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SAVING)
    kill_descendants()
    os._exit(LOST_SERVICE)


def _listen(interrupt: Callable[[], None], save_now: Callable[[], None]) -> None:
    """SIGINT ends the cell, as in a notebook; SIGTERM keeps what there is and ends at once."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        interrupt()

    def on_terminate(number: int, frame: FrameType | None) -> None:
        with suppress(Exception):
            save_now()
        kill_descendants()
        os._exit(TERMINATED)

    signal.signal(signal.SIGINT, on_interrupt)
    signal.signal(signal.SIGTERM, on_terminate)


def _limit_memory(limit: int | None) -> None:
    """A hard stop for each process; the service watches the sum of them."""
    if limit is None or sys.platform != "linux":
        return
    import resource

    bound: Any = limit + _HEADROOM
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
