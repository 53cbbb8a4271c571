"""One execution inside the worker: papermill with our engine, and what is noted on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError

from fairihub_core.errors import Conflict, FairihubError, Missing
from fairihub_core.files import folder_below, write_whole_in
from fairihub_headless.folders import GLUED, WORK, RunFolder
from fairihub_headless.full_disk import is_full, no_room
from fairihub_headless.glued import MOST, MOST_MARKS, Glued, glued, written
from fairihub_headless.line import KernelUp, Line
from fairihub_headless.masking import Masker, secrets_in, sure_secrets_in
from fairihub_headless.models import Failure, WorkOrder
from fairihub_headless.worker.confining import confine, killed_for_memory, of_memory, why_it_died
from fairihub_headless.worker.copies import copied_results, opened_in_home, put_beside
from fairihub_headless.worker.kernels import Kernel, KernelWanted
from fairihub_headless.worker.notebook_engine import NAME, SAVE_EVERY, FairihubEngine
from fairihub_headless.worker.notebook_file import notebook_bytes
from fairihub_headless.worker.translators import write_values_as_values
from fairihub_headless.worker.worklog import CappedLog, without_colours

_TAIL = 8_000
_ENDED_WELL = frozenset({"", "0", "None"})


class Execution:
    """Runs the notebook of `folder` as `order` says, and is the witness of how it goes."""

    def __init__(
        self,
        folder: RunFolder,
        order: WorkOrder,
        log: CappedLog,
        secrets: set[str],
        line: Line,
    ) -> None:
        self.max_output_bytes = order.max_output_bytes
        self.cells = 0
        self.remark = ""
        self._folder = folder
        self._order = order
        self._log = log
        self._line = line
        self.masker = Masker(secrets | secrets_in(order.parameters))
        self._results = Masker(secrets | sure_secrets_in(order.parameters))
        self._failure: Failure | None = None
        self._notebook: NotebookNode | None = None
        # Opened before the notebook begins, which may put links in their places.
        self._place = folder_below(folder.place, "")
        self._work = folder_below(folder.place, WORK)
        self._glued = Glued({}, {})
        self._not_kept: dict[str, None] = {}
        self._written = b""
        self._kernel: Kernel | None = None
        self._bounded = False
        self._killed = 0
        self.interrupted = False
        self._cell = 0
        self._settle: Callable[[], None] = lambda: None
        self.save_every = SAVE_EVERY

    def run(self) -> Failure | None:
        """Why it failed, or None; the executed notebook is in the folder either way."""
        failure = self._why_failed()
        if failure is not None and (said := of_memory(failure, self._order)):
            self._log.say(said)
            return failure.model_copy(update={"message": f"{failure.message} {said}"})
        return failure

    def _why_failed(self) -> Failure | None:
        papermill_engines.register(NAME, FairihubEngine)
        write_values_as_values()
        try:
            self._execute()
        except PapermillExecutionError:
            pass  # it also takes errors that a cell may raise for failures: `failed` was told
        except FairihubError as problem:
            return Failure(code=problem.code, message=problem.message)
        except (DeadKernelError, RuntimeError) as problem:
            return self._broken(problem)
        except OSError as problem:
            if not is_full(problem):
                raise
            return self._failure or no_room("the executed notebook")
        if self._failure is not None:
            return self._failure
        self._keep_glued()
        self._deliver()
        self._copy_results()
        return None

    @property
    def swept(self) -> bool:
        """Whether nothing is left below the guardian of the kernel, if it had one."""
        return self._kernel is not None and self._kernel.swept

    def interrupt(self) -> None:
        """Ends the cell that runs, and starts no other."""
        self.interrupted = True
        if self._kernel is not None:
            self._kernel.interrupt()

    def save_now(self) -> None:
        if self._notebook is not None:
            self._settle()
            self.save(self._notebook)

    # What the engine tells.

    def began(self, notebook: NotebookNode, settle: Callable[[], None]) -> None:
        self._notebook, self._settle = notebook, settle

    def process_there(self) -> None:
        if self._kernel is not None:
            self._bounded = confine(self._kernel, self._order, self._log.say)

    def kernel_up(self, pid: int | None) -> None:
        if self._kernel is not None:
            kernel = self._kernel
            about = kernel.environment()
            if self._order.packages not in (None, about.digest):
                self._note("The packages are not those of the run that this one repeats.")
            told = about, kernel.command, kernel.guardian
            self._line.kernel(KernelUp(*told, bounded=self._bounded, unheard=kernel.unheard))

    def cell_started(self, done: int, cells: int) -> None:
        self._cell, self.cells = done, cells
        self._killed = killed_for_memory(self._order)
        self._line.cells(done, cells)
        if self.interrupted:
            raise RuntimeError("The run was interrupted.")

    def printed(self, text: str, stream: str = "stdout") -> None:
        self._log.write(text, stream)

    def reported(self, fraction: float, message: str) -> None:
        self._line.report(fraction, self.masker.text(message))

    def glued(self, names: Sequence[str], *, kept: bool) -> None:
        # The last of a name counts: one before it, for which there was room, is not meant.
        self._not_kept = {n: None for n in (*self._not_kept, *names) if not (kept and n in names)}

    def failed(self, cell: int, cells: int, error: CellExecutionError) -> None:
        if error.ename == "SystemExit" and error.evalue in _ENDED_WELL:
            self._note(f"The notebook has ended itself in cell {cell} of {cells}.")
            return
        words = self.masker.text(without_colours(f"{error.ename}: {error.evalue}"))[:2000]
        trace = self.masker.text(without_colours(error.traceback))
        self._failure = Failure(
            code="cell-failed",
            message=f"Cell {cell} of {cells} failed: {words.splitlines()[0][:300]}",
            cell=cell,
            cells=cells,
            error=words,
            traceback=trace[-_TAIL:],
        )

    def save(self, notebook: NotebookNode, *, last: bool = False) -> None:
        shown = self._presentable(notebook)
        if last:
            self._glued = glued(shown)
        self._written = notebook_bytes(shown, quickly=not last)
        # What is only on the way need not survive a loss of power: neither does the run.
        write_whole_in(self._work, self._order.notebook_name, self._written, synced=last)

    # Its own steps.

    def _execute(self) -> None:
        name, spec = self._kernel_and_spec()
        wanted = KernelWanted(self._order.run, name, spec, Path(self._order.home), self._order.warm)
        self._kernel = Kernel(wanted, self._log.say)
        papermill.execute_notebook(
            self._folder.notebook.name,  # `main` has gone into the folder of the run
            None,
            parameters=self._order.parameters,
            engine_name=NAME,
            kernel_name=name,
            language=spec.language,
            progress_bar=False,
            cwd=self._order.cwd,
            witness=self,
            km=self._kernel,
        )
        self._line.cells(self.cells, self.cells)

    def _kernel_and_spec(self) -> tuple[str, KernelSpec]:
        """The kernel asked for, else the notebook's, else one of the same language."""
        known_here = KernelSpecManager()
        specs = known_here.find_kernel_specs()
        content = self._folder.notebook.read_bytes()
        if hashlib.sha256(content).hexdigest() != self._order.digest:
            raise Conflict("notebook-changed", "The notebook kept with this run is another by now.")
        notebook = nbformat.reads(content.decode(), as_version=4)
        own = notebook.metadata.get("kernelspec", {})
        wanted = self._order.kernel or own.get("name") or "python3"
        if wanted not in specs and self._order.kernel is None:
            info = notebook.metadata.get("language_info", {})
            wanted = self._stand_in(wanted, own.get("language") or info.get("name"), known_here)
        if wanted not in specs:
            known = ", ".join(sorted(specs))
            raise Missing("no-such-kernel", f"There is no kernel “{wanted}”. Known are: {known}.")
        # Not from its folder: the kernel of an interpreter without a specification has none.
        return wanted, known_here.get_kernel_spec(wanted)

    def _stand_in(self, wanted: str, language: str | None, known_here: KernelSpecManager) -> str:
        language = (language or "python").lower()
        speaking = [
            name for name in known_here.find_kernel_specs()
            if known_here.get_kernel_spec(name).language.lower() == language
        ]  # fmt: skip
        if not speaking:
            return wanted
        found = "python3" if "python3" in speaking else sorted(speaking)[0]
        self._note(f"Kernel “{wanted}” is not here; “{found}” of the same language ran it.")
        return found

    def _broken(self, problem: Exception) -> Failure:
        if self.interrupted:
            return Failure(code="interrupted", message="The run was interrupted.")
        if self._failure is not None:
            return self._failure
        if not isinstance(problem, DeadKernelError) and self.cells:
            raise problem
        where = self._cell, self.cells, self._killed
        failure = why_it_died(self._kernel, self._order, *where)
        self._log.say(failure.message)
        return failure

    def _presentable(self, notebook: NotebookNode) -> dict[str, Any]:
        """The notebook without secrets. A word under a name like `key` is only hidden as given."""
        shown: dict[str, Any] = self._results.deep(notebook)
        cells = [
            {**cell, "source": self.masker.text(cell["source"])} if _is_injected(cell) else cell
            for cell in shown["cells"]
        ]
        about = {**shown["metadata"]}
        about["papermill"] = self.masker.deep(about.get("papermill", {}))
        return {**shown, "cells": cells, "metadata": about}

    def _keep_glued(self) -> None:
        """Writes down what was glued, so that nobody reads a large notebook for it."""
        lost = self.masker.deep(list(self._not_kept))
        found = Glued(*({n: v for n, v in part.items() if n not in lost} for part in self._glued))
        content, left_out = written(found)
        with suppress(OSError):  # then the notebook is read for it
            write_whole_in(self._place, GLUED, content, synced=False)
        most = f"more than {MOST // 2**20} MiB"
        if left_out:
            most_in_results = f"{most}, or {MOST_MARKS:,} values, for the results"
            names = self._named(left_out)
            self._note(f"Only in the executed notebook, since it is {most_in_results}: {names}.")
        if lost:
            self._note(f"Not kept, since {most} was glued: {self._named(lost)}.")

    def _named(self, names: Sequence[str]) -> str:
        shown = ", ".join(self.masker.text(name)[:100] for name in names[:5])
        return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    def _note(self, said: str) -> None:
        """Says it in the log and, after what was said before, of the run."""
        self.remark = f"{self.remark} {said}".strip()
        self._log.say(said)

    def _deliver(self) -> None:
        """Puts the copy that was asked for into the home; never over another file."""
        if self._order.deliver_to is None:
            return
        try:
            folder = opened_in_home(self._order, self._order.deliver_to)
            name = put_beside(folder, self._order.notebook_name, self._written)
        except (OSError, FairihubError) as problem:
            self._note(f"The copy for your home folder could not be written: {problem}")
        else:
            self._note(f"A copy is at ~/{self._order.deliver_to}/{name}.")

    def _copy_results(self) -> None:
        """Puts the result files into the folder of the home that was asked for."""
        folder = self._order.results_to
        if folder is None:
            return
        try:
            count, left_out = copied_results(self._work, opened_in_home(self._order, folder))
        except (OSError, FairihubError) as problem:
            said = f"The results could not be copied to ~/{folder}: {problem}"
        else:
            said = f"{count} {'file is' if count == 1 else 'files are'} at ~/{folder}."
            said += f" Left out, as links are: {left_out}." if left_out else ""
        self._note(said)


def _is_injected(cell: dict[str, Any]) -> bool:
    return "injected-parameters" in cell["metadata"].get("tags", [])
