"""The HTTP side of the stand-in: list, watch and CRUD of any resource, with faults in between."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import yaml
from aiohttp import web

from tests.support.standin_kube.faults import (
    Empty,
    Fault,
    Garbage,
    Hang,
    Lost,
    Plan,
    Planned,
    Refusal,
    Slow,
    status,
)
from tests.support.standin_kube.store import Change, Object, Problem, Store, fits, kind_of

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
END, ABORT = object(), object()
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """A request as the stand-in took it in."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""
    part: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class StandinKube:
    """The server, in a thread of its own; every method may be called from any thread.

    Attributes:
        asked: every request, in order.
        logs: what `GET …/pods/NAME/log` answers, by (namespace, name).
    """

    def __init__(self) -> None:
        self.store = Store(self._changed)
        self.asked: list[Asked] = []
        self.logs: dict[tuple[str, str], str] = {}
        self.port = 0
        self._plan = Plan()
        self._streams: list[tuple[Asked, asyncio.Queue[Any]]] = []
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> StandinKube:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
        self._await(asyncio.sleep(0.01))  # in which what was closed lets go of its sockets
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def kubeconfig(self, path: Path, token: str = "stand-in") -> Path:  # noqa: S107
        """Writes a kubeconfig for this server."""
        cluster = {"name": "stand-in", "cluster": {"server": self.url}}
        user = {"name": "hub", "user": {"token": token}}
        context = {"name": "stand-in", "context": {"cluster": "stand-in", "user": "hub"}}
        whole = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [cluster],
            "users": [user],
            "contexts": [context],
            "current-context": "stand-in",
        }
        path.write_text(yaml.safe_dump(whole))
        return path

    def start(self) -> None:
        """Answers again, at the same address, after it was closed."""
        self._await(self._start())

    def close(self) -> None:
        """Drops every connection, and refuses new ones from now on."""
        self._await(self._close())

    def put(self, resource: str, given: Object) -> Object:
        """Creates the object, or replaces all but its status. With a copy of what came of it."""
        metadata = given["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]

        def do() -> Object:
            try:
                return self.store.replace(resource, namespace, name, given)
            except Problem:
                return self.store.create(resource, namespace, given)

        return self._call(do)

    def update(self, resource: str, namespace: str, name: str, **changes: Any) -> Object:
        """Merges `changes` into the object, its status too: `status={"phase": "Running"}`."""

        def do() -> Object:
            state = changes.pop("status", None)
            if state is not None:
                self.store.patch(resource, namespace, name, {"status": state}, "status")
            return self.store.patch(resource, namespace, name, changes)

        return self._call(do)

    def remove(self, resource: str, namespace: str, name: str) -> Object:
        return self._call(lambda: self.store.delete(resource, namespace, name))

    def get(self, resource: str, namespace: str, name: str) -> Object:
        return self._call(lambda: self.store.get(resource, namespace, name))

    def all(self, resource: str, namespace: str = "") -> list[Object]:
        return self._call(lambda: self.store.all(resource, namespace))

    def fail(
        self,
        fault: Fault,
        *,
        verb: str | None = None,
        resource: str | None = None,
        times: float = 1,
    ) -> None:
        """The next `times` requests that fit go wrong; `float("inf")` for all until `behave`.

        Args:
            verb: get, list, watch, create, update, patch or delete.
        """
        self._call(lambda: self._plan.add(Planned(fault, verb, resource, times)))

    def behave(self) -> None:
        """Forgets the faults to come, and lets go what hangs."""
        self._call(self._plan.clear)
        self.release()

    def release(self) -> None:
        """What hangs is answered."""
        self._call(self._let_go)

    def forget(self) -> None:
        """Streams from a version before now are answered with 410 Gone."""
        self._call(self.store.forget)

    def say(self, resource: str, line: dict[str, Any] | bytes) -> None:
        """Puts a line into every open stream; bytes as they are, without a newline."""
        raw = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
        self._order(resource, raw)

    def bookmark(self, resource: str) -> None:
        """Puts a bookmark with the present version into every open stream."""
        api_version, kind = kind_of(resource)
        metadata = {"resourceVersion": str(self.store.version)}
        made = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        self.say(resource, {"type": "BOOKMARK", "object": made})

    def end(self, resource: str) -> None:
        """Ends every open stream as a time limit does."""
        self._order(resource, END)

    def tear(self, resource: str, line: bytes = b'{"type": "MODIFIED", "obj') -> None:
        """Drops every open stream in the middle of a line."""
        self._order(resource, line)
        self._order(resource, ABORT)

    def watching(self, resource: str) -> int:
        """How many streams are open."""
        return self._call(lambda: sum(asked.resource == resource for asked, _ in self._streams))

    def requests(self, verb: str, resource: str) -> list[Asked]:
        return [a for a in list(self.asked) if (a.verb, a.resource) == (verb, resource)]

    def _call(self, do: Callable[[], T]) -> T:
        async def on_loop() -> T:
            return copy.deepcopy(do())

        return self._await(on_loop())

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=20)

    def _order(self, resource: str, what: Any) -> None:
        def do() -> None:
            for asked, queue in self._streams:
                if asked.resource == resource:
                    queue.put_nowait(what)

        self._call(do)

    def _let_go(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    async def _start(self) -> None:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        await web.SockSite(self._runner, self._listening).start()

    async def _close(self) -> None:
        self._let_go()
        for _, queue in self._streams:
            queue.put_nowait(ABORT)
        if self._runner is not None:
            # A connection that comes in while a server of asyncio closes is never closed.
            self._loop.remove_reader(self._listening)
            await asyncio.sleep(0.02)
            await self._runner.cleanup()
            self._runner = None

    def _changed(self, change: Change) -> None:
        for asked, queue in self._streams:
            if asked.resource == change.resource:
                queue.put_nowait(change)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = await _asked(request)
        if asked is None:
            return web.json_response({"gitVersion": "v1.34.0", "major": "1", "minor": "34"})
        self.asked.append(asked)
        fault = self._plan.next(asked.verb, asked.resource)
        if isinstance(fault, Hang):
            await self._released.wait()
        elif isinstance(fault, Slow):
            await asyncio.sleep(fault.seconds)
        elif isinstance(fault, Refusal):
            body = status(fault.code, fault.reason, fault.message)
            return web.json_response(body, status=fault.code, headers=fault.headers)
        elif isinstance(fault, Garbage):
            return web.Response(body=fault.body, status=fault.code, content_type=fault.content_type)
        try:
            if asked.verb == "watch":
                return await self._stream(request, asked, empty=isinstance(fault, Empty))
            done = self._done(asked, empty=isinstance(fault, Empty))
        except Problem as problem:
            return web.json_response(problem.body, status=problem.code)
        if isinstance(fault, Lost) and request.transport is not None:
            request.transport.abort()
        return done

    def _done(self, asked: Asked, *, empty: bool) -> web.Response:
        store, where = self.store, (asked.resource, asked.namespace, asked.name)
        if asked.verb == "list":
            return self._list(asked, [] if empty else self._fitting(asked))
        if asked.part == "log":
            store.get(*where)
            return web.Response(body=self._log(asked))
        if asked.verb == "create":
            made = store.create(asked.resource, asked.namespace, asked.body or {})
            return web.json_response(made, status=201)
        if asked.verb == "delete" and not asked.name:
            for found in self._fitting(asked):
                metadata = found["metadata"]
                store.delete(asked.resource, metadata.get("namespace", ""), metadata["name"])
            return web.json_response(status(200, "", "") | {"status": "Success"})
        if asked.verb == "delete":
            only = ((asked.body or {}).get("preconditions") or {}).get("uid")
            return web.json_response(store.delete(*where, uid=only))
        if asked.verb == "update":
            return web.json_response(store.replace(*where, asked.body, asked.part))
        if asked.verb == "patch":
            return web.json_response(store.patch(*where, asked.body, asked.part))
        return web.json_response(store.get(*where))

    def _log(self, asked: Asked) -> bytes:
        """As the node does: it goes back so many lines, and reads on from there up to the limit."""
        lines = self.logs.get((asked.namespace, asked.name), "").encode().splitlines(keepends=True)
        tail = b"".join(lines[-int(asked.query.get("tailLines") or len(lines)) :])
        return tail[: int(asked.query.get("limitBytes") or len(tail))]

    def _fitting(self, asked: Asked) -> list[Object]:
        labels, fields = _selectors(asked)
        found = self.store.all(asked.resource, asked.namespace)
        return [o for o in found if fits(o, labels, fields)]

    def _list(self, asked: Asked, found: list[Object]) -> web.Response:
        api_version, kind = kind_of(asked.resource)
        metadata = {"resourceVersion": str(self.store.version)}
        begin = int(asked.query.get("continue") or 0)
        limit = int(asked.query.get("limit") or 0) or len(found)
        if begin + limit < len(found):
            metadata["continue"] = str(begin + limit)
        whole = {
            "apiVersion": api_version,
            "kind": f"{kind}List",
            "metadata": metadata,
            "items": found[begin : begin + limit],
        }
        return web.json_response(whole)

    async def _stream(
        self, request: web.Request, asked: Asked, *, empty: bool
    ) -> web.StreamResponse:
        since = int(asked.query.get("resourceVersion") or 0)
        if since and since < self.store.compacted:
            raise Problem(410, "Expired", f"too old resource version: {since}")
        queue: asyncio.Queue[Any] = asyncio.Queue()
        if since:
            first = [c for c in self.store.history if c.version > since]
        else:
            first = [Change(0, "ADDED", asked.resource, o) for o in self._fitting(asked)]
        for change in [] if empty else first:
            queue.put_nowait(change)
        self._streams.append((asked, queue))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            await response.prepare(request)
            await asyncio.wait_for(
                self._pass_on(request, response, asked, queue),
                float(asked.query.get("timeoutSeconds") or 3600),
            )
        except (asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            self._streams.remove((asked, queue))
        return response

    async def _pass_on(
        self,
        request: web.Request,
        response: web.StreamResponse,
        asked: Asked,
        queue: asyncio.Queue[Any],
    ) -> None:
        labels, fields = _selectors(asked)
        while (what := await queue.get()) is not END:
            if what is ABORT:
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError
            if isinstance(what, Change):
                found = what.object
                here = asked.namespace in ("", found["metadata"].get("namespace", ""))
                if what.resource != asked.resource or not here or not fits(found, labels, fields):
                    continue
                what = json.dumps({"type": what.type, "object": found}).encode() + b"\n"
            await response.write(what)


def _selectors(asked: Asked) -> tuple[str, str]:
    return asked.query.get("labelSelector", ""), asked.query.get("fieldSelector", "")


async def _asked(request: web.Request) -> Asked | None:
    """`/api/v1/…` and `/apis/GROUP/VERSION/…`; None for what is about no resource."""
    steps = [s for s in request.path.split("/") if s]
    steps = steps[2:] if steps[:1] == ["api"] else steps[3:] if steps[:1] == ["apis"] else []
    if not steps:
        return None
    namespace = ""
    if steps[0] == "namespaces" and len(steps) > 2 and steps[2] not in ("status", "finalize"):
        namespace, steps = steps[1], steps[2:]
    resource, name, part = (*steps, "", "")[:3]
    query = dict(request.query)
    verb = VERBS.get(request.method) or ("get" if name else "list")
    if verb == "list" and query.get("watch", "").lower() in ("true", "1"):
        verb = "watch"
    body = json.loads(await request.read() or b"null") if request.method != "GET" else None
    return Asked(verb, resource, namespace, name, part, query, body)
