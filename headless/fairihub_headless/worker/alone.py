"""The witness of an execution that no service asked for: `papermill --engine fairihub`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any

import psutil
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.iorw import LocalHandler, papermill_io

from fairihub_core.files import write_whole
from fairihub_core.processes import descendants, end
from fairihub_headless.reporting import LONGEST_MESSAGE
from fairihub_headless.worker.notebook_file import notebook_bytes

Listener = Callable[[dict[str, Any]], object]
_STANDARD_OUTPUT = "-"


class Alone:
    """Saves to papermill's output path, and tells whoever asked of what happens.

    Args:
        events: a path that gets a line of JSON for each event, or a callable that gets it.
    """

    interrupted = False  # a signal ends the execution itself

    def __init__(
        self,
        output_path: str | None,
        save_every: float,
        events: str | Path | Listener | None,
        max_output_bytes: int | None,
    ) -> None:
        self.max_output_bytes = max_output_bytes
        self.save_every = save_every
        # papermill writes once more at its end; what is printed is not printed twice.
        self._output = None if output_path == _STANDARD_OUTPUT else output_path
        self._listener: Listener | None = events if callable(events) else None
        self._file: IO[str] | None = None if callable(events) else _opened(events)
        self._kernel: int | None = None
        self._left: list[psutil.Process] = []
        self._cells = 0

    def __enter__(self) -> Alone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        if self._left:
            end(self._left, grace=0.5)
        how = {} if problem is None else {"error": f"{kind and kind.__name__}: {problem}"[:2000]}
        self._tell("end", cells=self._cells, **how)
        if self._file is not None:
            self._file.close()

    @contextlib.contextmanager
    def interrupted_by(self, stop: Callable[[int], None]) -> Iterator[None]:
        """While this lasts, what would end it calls `stop`, unless the program has its own ways."""
        usual = {
            signal.SIGINT: signal.default_int_handler,
            signal.SIGTERM: signal.SIG_DFL,
            signal.SIGHUP: signal.SIG_DFL,  # its terminal was closed
        }
        ours = [n for n, was in usual.items() if signal.getsignal(n) is was or
                signal.getsignal(n) == was]  # fmt: skip
        if threading.current_thread() is not threading.main_thread():
            ours = []

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self._kernel is not None:
                # Found now: once the kernel has ended, they are nobody's.
                self._left += descendants(self._kernel)
            stop(number)

        before = {number: signal.signal(number, on_signal) for number in ours}
        try:
            yield
        finally:
            for number, was in before.items():
                signal.signal(number, was)

    # What the engine tells.

    def began(self, notebook: NotebookNode, settle: Callable[[], None]) -> None:
        self._cells = len(notebook.cells)

    def process_there(self) -> None:
        """Nothing bounds it but what bounds this program."""

    def kernel_up(self, pid: int | None) -> None:
        self._kernel = pid
        self._tell("kernel", pid=pid)

    def cell_started(self, done: int, cells: int) -> None:
        self._tell("cell", done=done, cells=cells)

    def printed(self, text: str, stream: str = "stdout") -> None:
        """It is in the notebook; papermill logs it where it was asked to."""

    def reported(self, fraction: float, message: str) -> None:
        self._tell("progress", fraction=fraction, message=message[:LONGEST_MESSAGE])

    def glued(self, names: Sequence[str], *, kept: bool) -> None:
        """The cell says where there was no room."""

    def failed(self, cell: int, cells: int, error: CellExecutionError) -> None:
        self._tell("failed", cell=cell, cells=cells, error=f"{error.ename}: {error.evalue}"[:2000])

    def save(self, notebook: NotebookNode, *, last: bool = False) -> None:
        if self._output is None:
            return
        content = notebook_bytes(notebook, quickly=not last)
        if isinstance(papermill_io.get_handler(self._output), LocalHandler):
            _write_local(Path(os.path.realpath(self._output)), content)
        else:
            papermill_io.write(content.decode(), self._output)
        self._tell("saved", bytes=len(content))

    def _tell(self, event: str, **more: Any) -> None:
        told = {"event": event, "at": time.time(), **more}
        if self._listener is not None:
            self._listener(told)
        elif self._file is not None:
            self._file.write(json.dumps(told) + "\n")
            self._file.flush()


def _opened(path: str | Path | None) -> IO[str] | None:
    return None if path is None else Path(path).open("a", encoding="utf-8")


def _write_local(path: Path, content: bytes) -> None:
    """As a whole where the folder allows it, so that nobody reads half a notebook."""
    mode = 0o666 & ~_umask()
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode & 0o777
    if os.access(path.parent, os.W_OK):
        write_whole(path, content, mode)
    else:
        path.write_bytes(content)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
