"""The kernel of a run: forked from one that has begun already, where that makes no difference."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import string
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient.util import ensure_async

from fairihub_headless.models import Environment
from fairihub_headless.warm import forking
from fairihub_headless.warm.asking import Forked, NotForked, Unheard, ask
from fairihub_headless.warm.environments import command_of, facts_of, key_of
from fairihub_headless.warm.fitness import Facts, is_ipython, why_cold
from fairihub_headless.warm.forking.process import limits_here
from fairihub_headless.warm.forking.wire import SOCKET

_NO_HISTORY = "--HistoryManager.enabled=False"
_ASK_AGAIN = 0.1
"""Seconds after which a kernel that began just now is asked again: it may not have heard."""
_COUNTING = 20.0


@dataclass(frozen=True)
class KernelWanted:
    """Which kernel is wanted, and where."""

    run: str
    name: str
    spec: KernelSpec
    home: Path
    warm: Mapping[str, str]
    """The folders of fork servers, by environment."""


class Kernel:
    """As much of jupyter_client's kernel manager as nbclient needs, for one kernel.

    Args:
        say: gets a line for the run's log.
    """

    ipykernel = False
    """So that nbclient adds nothing to the command; what a run executed is never history."""

    def __init__(self, wanted: KernelWanted, say: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._say = say
        self._command = command_of(wanted.spec.argv)
        self._ours = is_ipython(self._command) and not self._in_home()
        self._facts: Facts | None = None
        self._digest: str | None = None
        self._forked: Forked | None = None
        self._cold: AsyncKernelManager | None = None
        self.swept = False
        """Whether the guardian of a forked kernel has left nothing of what began below it."""
        self.unheard: str | None = None
        """The folder of the fork server, if it was asked and did not answer."""
        self._killed = False
        self.ended_with: int | None = None
        """The code with which it ended by itself; below zero, by that signal."""

    @property
    def has_kernel(self) -> bool:
        return self._forked is not None or (self._cold is not None and self._cold.has_kernel)

    @property
    def pid(self) -> int | None:
        if self._forked is not None:
            return self._forked.pid
        return getattr(getattr(self._cold, "provisioner", None), "pid", None)

    @property
    def guardian(self) -> int | None:
        """The process above a forked kernel, which is not below the worker."""
        return self._forked.guardian if self._forked is not None else None

    @property
    def command(self) -> tuple[str, ...]:
        """What a fork server for the next run would be begun with; empty if there is none."""
        return self._command if self._ours else ()

    def environment(self) -> Environment:
        """What executes the run."""
        spec = self._wanted.spec
        return Environment(
            kernel=self._wanted.name,
            display_name=spec.display_name,
            language=spec.language,
            digest=self._facts.digest if self._facts is not None else self._digest,
            warm=self._forked is not None,
        )

    async def start_kernel(self, **more: Any) -> None:
        """Raises what jupyter_client raises if a cold kernel cannot be started."""
        try:
            self._forked = await self._fork()
        except NotForked as reason:
            self._say(f"The kernel begins anew: {reason}.")
            await self._begin(**more)

    async def shutdown_kernel(self, now: bool = False) -> None:
        """Kills it: it had its time to end by itself, or is not to have any."""
        self._note_end()
        self._killed = True
        if self._forked is not None:
            self._forked.signal(signal.SIGKILL)
            await self._forked.wait()
        elif self._cold is not None:
            await ensure_async(self._cold.shutdown_kernel(now=True))

    def interrupt(self) -> None:
        """SIGINT, from wherever: also from a handler of signals."""
        if self._forked is not None:
            self._forked.signal(signal.SIGINT)
        elif self.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGINT)

    async def interrupt_kernel(self) -> None:
        """As the kernelspec says, by a signal or a message."""
        if self._cold is not None:
            await ensure_async(self._cold.interrupt_kernel())
        else:
            self.interrupt()

    async def is_alive(self) -> bool:
        self._note_end()
        if self._forked is not None:
            return self._forked.returncode is None
        return self._cold is not None and bool(await ensure_async(self._cold.is_alive()))

    def _note_end(self) -> None:
        if self._killed:
            return
        process = getattr(getattr(self._cold, "provisioner", None), "process", None)
        if self._forked is not None:
            self.ended_with = self._forked.returncode
        elif process is not None:
            self.ended_with = process.poll()

    async def ended(self, every: float) -> None:
        """Returns when the kernel has ended; a cold one is looked at `every` so many seconds."""
        if self._forked is not None:
            await self._forked.wait()
            self._note_end()
            return
        while await self.is_alive():  # noqa: ASYNC110
            await asyncio.sleep(every)

    async def cleanup_resources(self) -> None:
        if self._forked is not None:
            self.swept = self._forked.swept
            self._forked.close()
            self._forked = None
        if self._cold is not None:
            await ensure_async(self._cold.cleanup_resources())

    def client(self) -> KernelClient:
        """A client that is not connected yet."""
        client = KernelClient()
        if self._forked is not None:
            client.load_connection_info(self._forked.answer["connection"])
        elif self._cold is not None:
            client.load_connection_info(self._cold.get_connection_info(session=False))
        client.kernel = self
        return client

    # Warm.

    def _in_home(self) -> bool:
        places = (self._wanted.spec.resource_dir, self._command[0])
        home = os.path.realpath(self._wanted.home)
        return any(os.path.realpath(p).startswith(f"{home}/") for p in places) or any(
            os.path.abspath(p).startswith(f"{self._wanted.home}/") for p in places
        )

    async def _fork(self) -> Forked:
        if not self._ours:
            kind = "lies in your home" if is_ipython(self._command) else "is not IPython's own"
            raise NotForked(f"kernel “{self._wanted.name}” {kind}")
        place = self._wanted.warm.get(key_of(self._command))
        if place is None:
            raise NotForked("none of this environment waits yet")
        try:
            self._facts = facts_of(Path(place))
        except (OSError, ValueError, KeyError):
            raise NotForked("the fork server of this environment has gone") from None
        environment = self._variables()
        reason = why_cold(self._facts, environment, Path.cwd())
        if reason is not None:
            raise NotForked(reason)
        stdin = _at_its_end()
        try:
            return await ask(Path(place, SOCKET), self._order(environment), (stdin, 1, 2))
        except NotForked as problem:
            self.unheard = place if isinstance(problem, Unheard) else None
            raise NotForked(f"the fork server gave none ({problem})") from None
        finally:
            os.close(stdin)

    def _variables(self) -> dict[str, str]:
        """As jupyter_client would give them to a cold kernel."""
        here = dict(os.environ)
        here.pop("PYTHONEXECUTABLE", None)
        own = self._wanted.spec.env or {}
        return {**here, **{k: string.Template(v).safe_substitute(here) for k, v in own.items()}}

    def _order(self, environment: Mapping[str, str]) -> dict[str, Any]:
        file = _connection_file()
        arguments = ["-f", file, _NO_HISTORY]
        umask = os.umask(0o077)
        os.umask(umask)
        return {
            "run": self._wanted.run,
            "environment": dict(environment),
            "cwd": os.getcwd(),
            "umask": umask,
            "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "limits": limits_here(),
            "connection_file": file,
            "arguments": arguments,
            "command": [*self._command[:-2], *arguments],
        }

    # Cold.

    async def _begin(self, **more: Any) -> None:
        self._cold = AsyncKernelManager(kernel_name=self._wanted.name)
        self._cold._kernel_spec = self._wanted.spec
        self._cold.connection_file = _connection_file()
        if self._ours or is_ipython(self._command):
            listen_quietly(self._cold)
            more["extra_arguments"] = [*more.get("extra_arguments", ()), _NO_HISTORY]
        await ensure_async(self._cold.start_kernel(**more))
        if is_ipython(self._command) and self._facts is None:
            self._digest = await self._counted()

    async def _counted(self) -> str | None:
        """The digest of its packages, counted by its interpreter while the kernel begins."""
        here = str(Path(forking.__file__).parent.parent)
        code = "import sys; sys.path.append(sys.argv[1]); from forking.kernel import digest"
        process = await asyncio.create_subprocess_exec(
            self._command[0], "-I", "-c", f"{code}; print(digest())", here,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            told, _ = await asyncio.wait_for(process.communicate(), _COUNTING)
        except asyncio.TimeoutError:
            process.kill()
            return None
        return told.decode().strip() or None


def _connection_file() -> str:
    """A new one, which goes with the attempt, however its kernel ends."""
    runtime = os.environ.get("JUPYTER_RUNTIME_DIR") or os.getcwd()
    return os.path.join(runtime, f"kernel-{os.urandom(8).hex()}.json")


def listen_quietly(manager: KernelManager) -> None:
    """Has a kernel listen on sockets of this machine (Linux): over TCP it begins with a warning."""
    if sys.platform == "linux":
        # Names without files: nothing is left of them, and they are never too long.
        manager.transport, manager.ip = "ipc", f"@fairihub-{os.urandom(8).hex()}"


class KernelClient(AsyncKernelClient):
    """Two channels, and ready as soon as the kernel has answered on both."""

    kernel: Kernel

    def start_channels(
        self,
        shell: bool = True,
        iopub: bool = True,
        stdin: bool = False,
        hb: bool = False,
        control: bool = False,
    ) -> None:
        """Only what nbclient uses: what asks for input gets an error, as nobody could answer."""
        super().start_channels(shell, iopub, stdin, hb, control)

    def stop_channels(self) -> None:
        for channel in (self._shell_channel, self._iopub_channel, self._control_channel):
            if channel is not None:
                channel.stop()

    async def is_alive(self) -> bool:
        return await self.kernel.is_alive()

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Until an answer has come on both channels: what a subscription misses is lost.

        Raises:
            RuntimeError: the kernel died, or took longer than `timeout` seconds.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        answered = heard = False
        while not (answered and heard):
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")
            self.kernel_info()
            with contextlib.suppress(Empty):
                msg = await self.shell_channel.get_msg(timeout=1 if not answered else _ASK_AGAIN)
                if msg["msg_type"] == "kernel_info_reply":
                    self._handle_kernel_info_reply(msg)
                    answered = True
            with contextlib.suppress(Empty):
                await self.iopub_channel.get_msg(timeout=_ASK_AGAIN)
                heard = True


def _at_its_end() -> int:
    """A pipe that nothing will come from, as jupyter_client gives to a cold kernel."""
    reading, writing = os.pipe()
    os.close(writing)
    return reading
