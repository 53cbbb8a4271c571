"""Reads what clients send beside the event loop: requests, and notebooks as parts of them.

Python's reader of JSON lets no other thread work, so what is large is read by a program that can be
killed: `python -m fairihub_headless.reading`. What it says of a notebook is remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple
from weakref import WeakValueDictionary

from fairihub_core import errors
from fairihub_core.errors import BadInput, FairihubError, TooLarge, Unreadable
from fairihub_core.lean import skip_slow_imports
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, too_large
from fairihub_core.parameters import Parameter
from fairihub_core.teams import Frozen
from fairihub_headless.glued import glued, written
from fairihub_headless.models import NOTEBOOK_TYPE
from fairihub_headless.payload import MAX_BODY, json_object, refuse_constant
from fairihub_headless.reader import Readers, serve


class AboutNotebook(Frozen):
    """What a notebook says of itself."""

    title: str
    """Empty, if it says none."""
    parameters: tuple[Parameter, ...]


MAX_UPLOAD = MAX_NOTEBOOK_BYTES + MAX_BODY
"""Of a request with a notebook in it; what is around the notebook has MAX_BODY at most."""
_SMALL = 256 * 1024
_LARGE = 4 * 2**20
_THREADS = ThreadPoolExecutor(2, "reading")
_QUICK = ThreadPoolExecutor(1, "reading")
"""For what is not large: it never waits behind what is."""
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""Of each member one thing is read at a time: who sends many keeps nobody else waiting."""
_READERS = Readers("fairihub_headless.reading")
_REMEMBERED = 64
_known: OrderedDict[str, AboutNotebook] = OrderedDict()
"""What the large notebooks that were read last declare, by their digests."""


class Received(NamedTuple):
    """An execute request, and the notebook that came in it."""

    body: dict[str, Any]
    """Without the notebook: its `value` is an empty object."""
    notebook: bytes | None = None


async def received(raw: bytes, login: str) -> Received:
    """The request in `raw`, which that member sent.

    Raises:
        BadInput: `bad-json`, `bad-value`.
        TooLarge: `too-large`.
    """
    if len(raw) <= _SMALL:
        return await asyncio.to_thread(taken_apart, raw)
    first, _, notebook = (await _apart("request", raw, login)).partition(b"\n")
    told = json.loads(first)
    if told["told"] is not None:
        _remember(await asyncio.to_thread(_digest, notebook), told["told"])
    return Received(told["body"], notebook if told["notebook"] else None)


async def told_by(content: bytes, login: str) -> AboutNotebook:
    """What the notebook in `content` says of itself, for that member.

    Raises:
        FairihubError: it is no notebook, or too large.
    """
    if len(content) <= _SMALL:
        return await asyncio.to_thread(_told, content)
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise too_large(len(content))
    digest = await asyncio.to_thread(_digest, content)
    if digest not in _known:
        _remember(digest, json.loads(await _apart("notebook", content, login)))
    return _known[digest]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _remember(digest: str, found: dict[str, Any]) -> None:
    _known[digest] = AboutNotebook.model_validate(found)
    _known.move_to_end(digest)
    while len(_known) > _REMEMBERED:
        _known.popitem(last=False)


def glued_by(file: BinaryIO) -> bytes:
    """What the executed notebook in `file` glued, as a file of it has it. Blocks.

    Raises:
        ValueError: it is no notebook, or cannot be read in time.
        TooLarge: `too-large`.
    """
    answer = _THREADS.submit(_READERS.ask, "glued", file).result() or b""
    verdict, _, said = answer.partition(b"\n")
    if verdict == b"no":
        raise _refusal(json.loads(said))
    if verdict != b"ok":
        raise ValueError("the executed notebook cannot be read")
    return said


def taken_apart(raw: bytes) -> Received:
    """The request in `raw`, and the notebook in it. Blocks.

    Raises:
        FairihubError: as `received`.
    """
    if b"x-ipynb" not in raw:
        return Received(json_object(_within(raw)))
    try:
        parsed = json.loads(raw, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise BadInput("bad-json", f"The body is not JSON: {problem}.") from None
    given = parsed.get("inputs") if isinstance(parsed, dict) else None
    given = given.get("notebook") if isinstance(given, dict) else None
    notebook: bytes | None = None
    if isinstance(given, dict) and given.get("mediaType") == NOTEBOOK_TYPE:
        value = given.get("value")
        if isinstance(value, dict):
            notebook = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        elif isinstance(value, str):  # the text of the file
            notebook = value.encode("utf-8", "surrogatepass")
        given["value"] = {}
    rest = json.dumps(parsed, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Received(json_object(_within(rest)), notebook)


def _within(raw: bytes) -> bytes:
    if len(raw) > MAX_BODY:
        raise TooLarge("too-large", f"The body is too large: {MAX_BODY // 2**20} MiB at most.")
    return raw


def _told(content: bytes) -> AboutNotebook:
    from fairihub_core.notebooks import metadata_of, read_notebook
    from fairihub_core.parameters import parameters_of

    notebook = read_notebook(content)
    return AboutNotebook(title=metadata_of(notebook, "").title, parameters=parameters_of(notebook))


async def _apart(what: str, given: bytes, login: str) -> bytes:
    """What the program says of `given`, in its turn.

    Raises:
        FairihubError: what it refuses; `too-large`, it took too long or too much memory.
    """
    loop = asyncio.get_running_loop()
    threads = _THREADS if len(given) > _LARGE else _QUICK
    async with _turns.setdefault(login, asyncio.Lock()):
        answer = await loop.run_in_executor(threads, _READERS.ask, what, given)
    if answer is None:
        raise TooLarge("too-large", "The request holds more than can be read in time.")
    verdict, _, said = answer.partition(b"\n")
    if verdict != b"ok":
        raise _refusal(json.loads(said))
    return said


def _refusal(told: Mapping[str, Any]) -> FairihubError:
    kind = getattr(errors, str(told.get("kind")), Unreadable)
    return kind(told["code"], told["message"])


def _glued(given: bytes) -> bytes:
    content, left_out = written(glued(json.loads(given)))
    if left_out:
        raise TooLarge(
            "too-large", "It glued more than is handed out here: take its executed notebook."
        )
    return content


def _read(what: str, given: bytes) -> bytes:
    """`ok` and what was read, or the refusal."""
    try:
        if what == "request":
            return b"ok\n" + _request(given)
        if what == "glued":
            return b"ok\n" + _glued(given)
        return b"ok\n" + _told(given).model_dump_json().encode()
    except FairihubError as refused:
        told = json.dumps({"kind": type(refused).__name__, **refused.to_dict()})
        return b"no\n" + told.encode()


def _request(given: bytes) -> bytes:
    body, notebook = taken_apart(given)
    found = None
    if notebook is not None:
        with contextlib.suppress(FairihubError):  # it is said when it is asked for
            found = _told(notebook).model_dump(mode="json")
    told = {"body": body, "notebook": notebook is not None, "told": found}
    return json.dumps(told).encode() + b"\n" + (notebook or b"")


def main() -> None:
    skip_slow_imports()
    _told(b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}')  # its imports
    serve(_read)


if __name__ == "__main__":
    main()
