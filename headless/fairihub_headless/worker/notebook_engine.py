"""Our papermill engine: as papermill's own, but it saves on a timer, reports, and caps outputs."""

from __future__ import annotations

import json
from typing import Any, Protocol

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger

NAME = "fairihub"


class Witness(Protocol):
    """Who is told how an execution goes."""

    max_output_bytes: int

    def kernel_started(self, pid: int | None) -> None: ...
    def cell_started(self, done: int, cells: int) -> None: ...
    def printed(self, text: str) -> None: ...
    def failed(self, cell: int, cells: int, error: CellExecutionError) -> None: ...
    def save(self, notebook: NotebookNode, *, last: bool = False) -> None: ...


class FairihubEngine(NBClientEngine):
    """papermill's engine `fairihub`; needs a `witness` among the engine's arguments."""

    @classmethod
    def execute_notebook(
        cls, nb: NotebookNode, kernel_name: str, *, witness: Witness, **kwargs: Any
    ) -> NotebookNode:
        manager = Manager(nb, witness)
        manager.notebook_start()
        try:
            Client(
                manager,
                kernel_name=kernel_name,
                timeout=None,
                startup_timeout=kwargs.get("start_timeout", 60),
                log=logger,
                shutdown_kernel="immediate",
                coalesce_streams=True,
            ).execute()
        finally:
            manager.notebook_complete()
        executed: NotebookNode = manager.nb
        return executed


class Manager(NotebookExecutionManager):
    """papermill's book-keeping, which leaves it to the witness when to save."""

    def __init__(self, nb: NotebookNode, witness: Witness) -> None:
        super().__init__(nb, output_path=None, progress_bar=False)
        self.witness = witness

    def cell_start(self, cell: NotebookNode, cell_index: int = 0, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        self.witness.cell_started(cell_index, len(self.nb.cells))

    def cell_exception(
        self, cell: NotebookNode, cell_index: int = 0, exception: Any = None, **kwargs: Any
    ) -> None:
        super().cell_exception(cell, cell_index, **kwargs)
        self.witness.failed(cell_index + 1, len(self.nb.cells), exception)

    def notebook_complete(self, **kwargs: Any) -> None:
        super().notebook_complete(**kwargs)
        self.witness.save(self.nb, last=True)

    def save(self, **kwargs: Any) -> None:
        self.witness.save(self.nb)

    def autosave_cell(self) -> None:
        self.save()


class Client(PapermillNotebookClient):
    """papermill's client, which keeps a flood of output out of the notebook."""

    def __init__(self, manager: Manager, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._witness = manager.witness
        self._room = manager.witness.max_output_bytes
        self._full = False

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        await super().async_start_new_kernel(**kwargs)
        provisioner = getattr(self.km, "provisioner", None)
        self._witness.kernel_started(getattr(provisioner, "pid", None))

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        self._log(msg)
        self._room -= _size(msg["content"])
        if self._room >= 0 or msg["msg_type"] == "error":
            kept: NotebookNode | None = super().output(outs, _cut(msg), display_id, cell_index)
            return kept
        if not self._full:
            self._full = True
            outs.append(new_output("stream", name="stderr", text=self._excuse()))
        return None

    def _excuse(self) -> str:
        limit = self._witness.max_output_bytes / 2**20
        return (
            f"[fairihub] More than {limit:.1f} MiB of output: from here on it is left out. "
            "Write large results to a file in RESULTS_DIRECTORY.\n"
        )

    def _log(self, msg: dict[str, Any]) -> None:
        content, kind = msg["content"], msg["msg_type"]
        if kind == "stream":
            self._witness.printed(content.get("text", ""))
        elif kind == "error":
            self._witness.printed("\n".join(content.get("traceback", [])) + "\n")
        elif kind == "execute_result":
            plain = content.get("data", {}).get("text/plain", "")
            self._witness.printed(str(plain)[:10_000] + "\n")


def _size(content: dict[str, Any]) -> int:
    if "text" in content:
        return len(content["text"])
    data = content.get("data", {})
    return sum(len(v) if isinstance(v, str) else len(json.dumps(v)) for v in data.values())


def _cut(msg: dict[str, Any]) -> dict[str, Any]:
    """An error is always kept, but not a whole book of it."""
    if msg["msg_type"] == "error":
        content = msg["content"]
        content["evalue"] = content.get("evalue", "")[:20_000]
        content["traceback"] = [part[:20_000] for part in content.get("traceback", [])[:200]]
    return msg
