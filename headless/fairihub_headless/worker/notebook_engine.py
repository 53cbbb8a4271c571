"""The papermill engine `fairihub`: saves on a timer, tells what happens, and leaves nothing behind.

`papermill --engine fairihub in.ipynb out.ipynb` works anywhere; runs of the service have a
witness of their own, which is told everything and decides where the notebook is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger

from fairihub_headless.worker.alone import Alone, Listener
from fairihub_headless.worker.kernel_client import Client

NAME = "fairihub"
SAVE_EVERY = 10.0
_PAPERMILLS_EVERY = 30
"""What papermill's command line says of saving if its user said nothing."""


class Witness(Protocol):
    """Who is told how an execution goes."""

    max_output_bytes: int | None
    save_every: float
    """Seconds between two saves while it runs; 0 means only at the end."""

    @property
    def interrupted(self) -> bool:
        """Whether it was told to stop: its kernel has no time to end by itself then."""

    def began(self, notebook: NotebookNode, settle: Callable[[], None]) -> None:
        """`notebook` will grow; `settle` brings into it what has come but is not in it yet."""

    def process_there(self) -> None:
        """The kernel's process has begun, and is asked whether it is ready. In another thread."""

    def kernel_up(self, pid: int | None) -> None:
        """The kernel has answered: code of the notebook may run from here on."""

    def cell_started(self, done: int, cells: int) -> None:
        """So many cells are done, and the next one begins."""

    def printed(self, text: str, stream: str = "stdout") -> None:
        """A cell wrote this, which is in the notebook as well."""

    def reported(self, fraction: float, message: str) -> None:
        """The notebook said by itself how far it is."""

    def glued(self, names: Sequence[str], *, kept: bool) -> None:
        """A cell glued something under these names; `kept`: the notebook has room for it."""

    def failed(self, cell: int, cells: int, error: CellExecutionError) -> None:
        """This cell, counted from 1, ended the execution."""

    def save(self, notebook: NotebookNode, *, last: bool = False) -> None:
        """It is time to write the notebook down; `last` says that it grows no more."""


class FairihubEngine(NBClientEngine):
    """papermill's engine `fairihub`.

    It takes papermill's own options, all those of nbclient's NotebookClient, and:

    Args:
        autosave_every: seconds between two saves to papermill's output path while the notebook
            runs; 0 means only at the end. It is also saved at failure and interruption.
        events: a path, which gets a line of JSON for whatever happens, or a callable, which gets
            it as a dict: `kernel`, `cell`, `progress`, `failed`, `saved`, `end`.
        max_output_bytes: so much output is kept in the notebook, and it says so; None means all.
        witness: who is told instead, in a run of the service.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        *,
        output_path: str | None = None,
        autosave_every: float | None = None,
        autosave_cell_every: float = _PAPERMILLS_EVERY,
        events: str | Path | Listener | None = None,
        max_output_bytes: int | None = None,
        witness: Witness | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        **kwargs: Any,
    ) -> NotebookNode:
        if witness is not None:
            manager = Manager(nb, witness, progress_bar, log_output)
            return cls._executed(manager, kernel_name, **kwargs)
        if autosave_every is None:
            told = autosave_cell_every != _PAPERMILLS_EVERY
            autosave_every = autosave_cell_every if told else SAVE_EVERY
        with Alone(output_path, autosave_every, events, max_output_bytes) as alone:
            manager = Manager(nb, alone, progress_bar, log_output)
            return cls._executed(manager, kernel_name, guard=alone.interrupted_by, **kwargs)

    @classmethod
    def _executed(
        cls,
        manager: Manager,
        kernel_name: str,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        input_path: str | None = None,
        **kwargs: Any,
    ) -> NotebookNode:
        client = Client(
            manager,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout or kwargs.pop("timeout", None),
            log=logger,
            log_output=manager.log_output,
            **kwargs,
        )
        manager.client = client
        manager.notebook_start()
        try:
            client.execute()
        finally:
            client.settle()
            manager.notebook_complete()
        executed: NotebookNode = manager.nb
        return executed


class Manager(NotebookExecutionManager):
    """papermill's book-keeping, which leaves it to a timer and the witness when and how to save."""

    client: Client | None = None

    def __init__(
        self,
        nb: NotebookNode,
        witness: Witness,
        progress_bar: bool | dict[str, Any] = False,
        log_output: bool = False,
    ) -> None:
        super().__init__(nb, None, log_output=log_output, progress_bar=progress_bar)
        self.witness = witness

    def notebook_start(self, **kwargs: Any) -> None:
        super().notebook_start(**kwargs)
        self.witness.began(self.nb, self.client.settle if self.client else lambda: None)
        self.witness.save(self.nb)

    def cell_start(self, cell: NotebookNode, cell_index: int = 0, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        self.witness.cell_started(cell_index, len(self.nb.cells))

    def cell_exception(
        self, cell: NotebookNode, cell_index: int = 0, exception: Any = None, **kwargs: Any
    ) -> None:
        """A cell failed: by an error of its own, or because its kernel or time ended."""
        super().cell_exception(cell, cell_index, **kwargs)
        if isinstance(exception, CellExecutionError):
            self.witness.failed(cell_index + 1, len(self.nb.cells), exception)

    def notebook_complete(self, **kwargs: Any) -> None:
        super().notebook_complete(**kwargs)
        self.witness.save(self.nb, last=True)

    def save(self, **kwargs: Any) -> None:
        """Not at each cell: of a notebook of many cells, that takes the square of their number."""

    def autosave_cell(self) -> None:
        """The client has a clock of its own."""
