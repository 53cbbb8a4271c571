"""Executes the cells of a notebook on a kernel: papermill's client in one sweep, with an end.

nbclient takes the square of the length of what a cell prints, and its word for the lot: here a
flood is kept out of the notebook, nonsense of a kernel ends nothing, and a cell whose kernel has
died is a failed one.
"""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from queue import Empty
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient

from fairihub_headless.glued import names_in
from fairihub_headless.reporting import PROGRESS_TYPE, taken_out
from fairihub_headless.worker.kernels import Kernel, listen_quietly
from fairihub_headless.worker.output_room import OutputRoom
from fairihub_headless.worker.outputs import cleaned

if TYPE_CHECKING:
    from fairihub_headless.worker.notebook_engine import Manager

Guard = Callable[[Callable[[int], None]], AbstractContextManager[object]]
_ALIVE_EVERY = 0.25
_CLOSING = 2.0
"""Seconds that a kernel has after the last cell, to close files and do what it does at its end."""
_ENDED_EVERY = 0.01
_SILENCE = 4.0
"""So long after its reply a kernel may say nothing before the end of a cell counts as lost."""
_DISPLAYS = ("display_data", "update_display_data", "execute_result")
_UNREADABLE = (ValueError, TypeError, KeyError, RecursionError)
_SHARE = 20
"""A large notebook must not spend more than this part of its time on being saved."""


class Client(PapermillNotebookClient):
    """papermill's client for one notebook.

    Args:
        guard: keeps watch for signals while cells are executed, and calls with their number.
    """

    def __init__(self, manager: Manager, guard: Guard | None = None, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - set(self.class_traits()) - {"km"})
        if unknown:
            raise TypeError(f"The engine fairihub has no option {', '.join(unknown)}.")
        own = {"shutdown_kernel": "immediate"}
        super().__init__(manager, **{**own, **kwargs, "coalesce_streams": False})
        self._witness = manager.witness
        self._guard: Guard = guard or (lambda stop: nullcontext())
        # A kernel that was made for this notebook ends with it; one that was given may go on.
        self.owns_km: bool = self.owns_km or isinstance(self.km, Kernel)
        self._room = OutputRoom(manager.witness.max_output_bytes, self.nb)
        self._signal: int | None = None
        self._changed = False
        self._replied = False
        self._is_ipython = False

    def execute(self, **kwargs: Any) -> NotebookNode:
        """Executes all cells; the kernel is gone on return, however it ends.

        Raises:
            KeyboardInterrupt, SystemExit: a signal has ended it.
        """
        self.reset_execution_trackers()
        try:
            run_sync(self._execute)(**kwargs)
        except BaseException:
            if self._signal == signal.SIGINT:
                raise KeyboardInterrupt from None
            if self._signal is not None:
                raise SystemExit(128 + self._signal) from None
            raise
        executed: NotebookNode = self.nb
        return executed

    def settle(self) -> None:
        """Brings into the notebook what was printed but is not in it yet."""
        self._room.settle()

    async def _execute(self, **kwargs: Any) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def stop(number: int) -> None:
            self._signal = number
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        saving = asyncio.ensure_future(self._keep_saved())
        try:
            with self._guard(stop):
                await self._start(**kwargs)
                await self._execute_cells()
                await self._note_language()
                if self.owns_km and not self._witness.interrupted:
                    await self._ask_to_end()
        finally:
            saving.cancel()
            if self.owns_km and self.km is not None:
                await self._async_cleanup_kernel()

    async def _start(self, **kwargs: Any) -> None:
        if self.km is None:
            made = self.create_kernel_manager()
            if getattr(made, "ipykernel", False):
                listen_quietly(made)
        if not self.km.has_kernel:
            await self.async_start_new_kernel(**kwargs)
        # The system takes its time for that; so does the kernel to answer.
        bounded = asyncio.ensure_future(asyncio.to_thread(self._witness.process_there))
        try:
            if self.kc is None:
                await self.async_start_new_kernel_client()
        finally:
            await bounded
        self.log.info(f"Executing notebook with kernel: {self.kernel_name}")
        known = self.km if isinstance(self.km, Kernel) else getattr(self.km, "provisioner", None)
        self._witness.kernel_up(getattr(known, "pid", None))

    async def _execute_cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            self._changed = True
            try:
                self.nb_man.cell_start(cell, index)
                await self.async_execute_cell(cell, index)
            except CellExecutionError as problem:
                self.settle()
                self.nb_man.cell_exception(cell, cell_index=index, exception=problem)
                break
            except BaseException as problem:
                self.nb_man.cell_exception(cell, cell_index=index, exception=problem)
                raise
            finally:
                self.settle()
                self.nb_man.cell_complete(cell, cell_index=index)

    async def _note_language(self) -> None:
        try:
            told = await self.async_wait_for_reply(await ensure_async(self.kc.kernel_info()))
        except DeadKernelError:
            return  # its last cell was `exit()`
        if told is not None:
            self.nb.metadata["language_info"] = told["content"]["language_info"]
            self._is_ipython = told["content"].get("implementation") == "ipython"
        self.set_widgets_metadata()

    async def _ask_to_end(self) -> None:
        """Has the kernel end as a program does: open files are written, exit handlers called."""
        if not await ensure_async(self.km.is_alive()):
            return
        if self._is_ipython:
            # Not by its control thread: that may wait ten seconds for one that has just ended.
            self.kc.shell_channel.send(self.kc.session.msg("shutdown_request", {"restart": False}))
        else:
            self.kc.shutdown()
        try:
            await asyncio.wait_for(self._end_of_kernel(_ENDED_EVERY), _CLOSING)
        except asyncio.TimeoutError:
            self.log.warning("The kernel did not end by itself after the last cell: it is killed.")

    async def _end_of_kernel(self, every: float) -> None:
        if isinstance(self.km, Kernel):
            await self.km.ended(every)
            return
        while await ensure_async(self.km.is_alive()):  # noqa: ASYNC110
            await asyncio.sleep(every)

    async def _keep_saved(self) -> None:
        every = pause = self._witness.save_every
        while every:
            await asyncio.sleep(pause)
            if not self._changed:
                continue
            self._changed, begun = False, time.monotonic()
            self.settle()
            try:
                self._witness.save(self.nb)
            except OSError as problem:
                self._changed = True
                self.log.warning(f"The notebook could not be saved yet: {problem}")
            pause = max(every, _SHARE * (time.monotonic() - begun))

    # What nbclient does for each cell.

    async def _async_poll_kernel_alive(self) -> None:
        if isinstance(self.km, Kernel):
            await self.km.ended(_ALIVE_EVERY)  # the run says how
        else:
            while await ensure_async(self.kc.is_alive()):  # noqa: ASYNC110
                await asyncio.sleep(_ALIVE_EVERY)
            self.log.error("Kernel died while waiting for execute reply.")
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()

    async def _async_poll_for_reply(
        self,
        msg_id: str,
        cell: NotebookNode,
        timeout: float | None,
        task_poll_output_msg: asyncio.Future[Any],
        task_poll_kernel_alive: asyncio.Future[Any],
    ) -> dict[str, Any]:
        """The kernel's reply, once all output has come or the kernel has fallen silent."""
        try:
            reply = await self._reply_to(msg_id, cell, timeout)
            self._replied = True
            await task_poll_output_msg
            return reply
        finally:
            task_poll_kernel_alive.cancel()

    async def _reply_to(
        self, msg_id: str, cell: NotebookNode, timeout: float | None
    ) -> dict[str, Any]:
        deadline = time.monotonic() + (timeout or math.inf)
        while True:
            left = None if timeout is None else max(0.0, deadline - time.monotonic())
            try:
                msg: dict[str, Any] = await ensure_async(
                    self.kc.shell_channel.get_msg(timeout=left)
                )
                if msg["parent_header"].get("msg_id") == msg_id and msg["content"]["status"]:
                    return msg
            except Empty:
                await self._async_check_alive()
                instead = await self._async_handle_timeout(timeout, cell)
                if instead is not None:
                    return {**instead, "parent_header": {"msg_id": msg_id}}
                deadline = math.inf
                timeout = None
            except _UNREADABLE as problem:
                self._skip(problem)

    async def _async_poll_output_msg(
        self, parent_msg_id: str, cell: NotebookNode, cell_index: int
    ) -> None:
        self._replied = False
        while True:
            try:
                msg = await ensure_async(self.kc.iopub_channel.get_msg(timeout=_SILENCE))
                if msg["parent_header"].get("msg_id") == parent_msg_id:
                    self.process_message(msg, cell, cell_index)
            except CellControlSignal:
                return
            except Empty:
                if self._replied:
                    self.log.warning("The kernel has lost some of the output of this cell.")
                    return
            except _UNREADABLE as problem:
                self._skip(problem)

    def _skip(self, problem: Exception) -> None:
        self.log.warning(f"A message of the kernel is left out: {type(problem).__name__}.")

    # What comes from the kernel.

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        self._changed = True
        msg = cleaned(msg)
        if msg["msg_type"] in _DISPLAYS and self._is_report(msg["content"]):
            return None
        kept: NotebookNode | None = super().process_message(msg, cell, cell_index)
        return kept

    def _is_report(self, content: dict[str, Any]) -> bool:
        """Passes on what a display says of progress; whether it shows nothing else."""
        if PROGRESS_TYPE not in content["data"]:
            return False
        report = taken_out(content)
        if report is not None:
            self._witness.reported(*report)
        return not any(content["data"].values())

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        content, kind = msg["content"], msg["msg_type"]
        self._tell(kind, content)
        if self.clear_before_next_output:
            self._clear(outs, cell_index)
        kept, names = self._room.take(outs, kind, content, cell_index), names_in(content)
        if names:
            self._witness.glued(names, kept=kept)
        if not kept:
            return None
        if kind == "stream" and not self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return self._room.stream(outs, content["name"], content["text"], cell_index)
        self._room.settle(ended=True)
        made: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
        return made

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        if msg["content"].get("wait") or self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            super().clear_output(outs, msg, cell_index)
        else:
            self._clear(outs, cell_index)

    def handle_comm_msg(
        self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int
    ) -> None:
        known = self.widget_state.get(msg["content"].get("comm_id"), {})
        if self._room.take_state(known, msg):
            super().handle_comm_msg(outs, msg, cell_index)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        shown = self._display_id_map.get(display_id, {})
        if self._room.take_update(shown, msg["content"]):
            super()._update_display_id(display_id, msg)

    def _clear(self, outs: list[NotebookNode], cell_index: int) -> None:
        self._room.clear(cell_index)
        outs[:] = []
        self.clear_display_id_mapping(cell_index)
        self.clear_before_next_output = False

    def _tell(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            self._witness.printed(content["text"], content["name"])
        elif kind == "error":
            self._witness.printed("\n".join(content["traceback"]) + "\n")
        elif kind == "execute_result":
            self._witness.printed(str(content["data"].get("text/plain", ""))[:10_000] + "\n")
