"""A hub of the tests that says how long its event loop was kept, and how large it is.

`GET /hub/stretches` answers with the worst since the last answer: seconds of CPU of one callback,
and of one round of the loop. CPU of this thread counts, so that a busy machine is not blamed on
the hub.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client.rest import RESTClientObject
from tornado.web import RequestHandler

from fairihub_core.teams import TeamDirectory
from tests.support import kube_hub

measured = json.loads(os.environ["SPAWN_BENCH"])


class Stretches:
    """How long callbacks, and rounds of all that are due, keep the loop at worst."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.callback, self.round, self.what = 0.0, 0.0, ""

    def watch(self) -> None:
        """From now on every callback and round of any loop is measured."""
        run, once = asyncio.Handle._run, asyncio.BaseEventLoop._run_once

        def timed_run(handle: Any) -> None:
            began = time.thread_time()
            run(handle)
            took = time.thread_time() - began
            if took > self.callback:
                self.callback, self.what = took, _named(handle)

        def timed_once(loop: Any) -> None:
            began = time.thread_time()
            once(loop)
            self.round = max(self.round, time.thread_time() - began)

        asyncio.Handle._run = timed_run
        asyncio.BaseEventLoop._run_once = timed_once


def _named(handle: Any) -> str:
    task = getattr(handle._callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return str(getattr(task.get_coro(), "__qualname__", task))
    return str(getattr(handle._callback, "__qualname__", handle._callback))


class StretchesHandler(RequestHandler):
    def get(self) -> None:
        found = stretches
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        cpu = time.process_time()
        told = {"callback": found.callback, "what": found.what, "round": found.round}
        self.finish({**told, "resident": resident, "cpu": cpu})
        found.forget()


def into_namespace_of_team(spawner: Any) -> None:
    """What a plain KubeSpawner needs so that a team's servers run in the team's namespace."""
    spawner.namespace = f"team-{spawner.user.name.partition('-')[0].removeprefix('m')}"


load_subconfig(str(kube_hub.CONFIG))  # noqa: F821
from_file = TeamDirectory.model_validate_json(Path("teams.json").read_bytes())
stretches = Stretches()
stretches.watch()
c = get_config()  # noqa: F821
c.JupyterHub.extra_handlers = [("/stretches", StretchesHandler)]
# A real hub has its teams at hand; that of the tests reads them from a file each time.
c.FairihubSpawner.directory = lambda: from_file
c.Spawner.poll_interval = 10
# Who asks for a server is answered when it is ready, instead of asking again and again.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 50}
for name, value in measured["server"].items():
    setattr(c.KubeSpawner, name, value)
if measured["by_team"]:
    # Its client has a hundred connections, which two watches in each of 50 namespaces use up.
    RESTClientObject.__init__.__defaults__ = (4, 0)
    c.KubeSpawner.pre_spawn_hook = into_namespace_of_team
