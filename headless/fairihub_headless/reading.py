"""Reads what clients send beside the event loop: requests, and notebooks as parts of them.

Python's reader of JSON lets no other thread work, so what is large is read by a program of its own,
which can be killed: `python -m fairihub_headless.reading`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple

from fairihub_core import errors
from fairihub_core.children import child_environment, limit_this_process
from fairihub_core.errors import BadInput, FairihubError, TooLarge, Unreadable
from fairihub_core.lean import skip_slow_imports
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, too_large
from fairihub_core.parameters import Parameter
from fairihub_headless.glued import glued, written
from fairihub_headless.models import NOTEBOOK_TYPE
from fairihub_headless.payload import MAX_BODY, json_object, refuse_constant

MAX_UPLOAD = MAX_NOTEBOOK_BYTES + MAX_BODY
"""Of a request with a notebook in it; what is around the notebook has MAX_BODY at most."""
_SMALL = 256 * 1024
_SECONDS = 20.0
_MEMORY = 2 * 2**30
_READERS = ThreadPoolExecutor(2, "reading")


class Received(NamedTuple):
    """An execute request, and the notebook that came in it."""

    body: dict[str, Any]
    """Without the notebook: its `value` is an empty object."""
    notebook: bytes | None = None


async def received(raw: bytes) -> Received:
    """The request in `raw`.

    Raises:
        BadInput: `bad-json`, `bad-value`.
        TooLarge: `too-large`.
    """
    if len(raw) <= _SMALL:
        return await asyncio.to_thread(taken_apart, raw)
    first, _, notebook = (await _apart("request", raw)).partition(b"\n")
    told = json.loads(first)
    return Received(told["body"], notebook if told["notebook"] else None)


async def declared_by(content: bytes) -> tuple[Parameter, ...]:
    """The parameters that the notebook in `content` declares.

    Raises:
        FairihubError: it is no notebook, or too large.
    """
    if len(content) <= _SMALL:
        return await asyncio.to_thread(_declared, content)
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise too_large(len(content))
    found = json.loads(await _apart("notebook", content))
    return tuple(Parameter.model_validate(parameter) for parameter in found)


def glued_by(file: BinaryIO) -> bytes:
    """What the executed notebook in `file` glued, as a file of it has it. Blocks.

    Raises:
        ValueError: it is no notebook, or cannot be read in time.
        TooLarge: `too-large`.
    """
    verdict, _, said = (_READERS.submit(_asked, "glued", file).result() or b"").partition(b"\n")
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


def _declared(content: bytes) -> tuple[Parameter, ...]:
    from fairihub_core.notebooks import read_notebook
    from fairihub_core.parameters import parameters_of

    return parameters_of(read_notebook(content))


async def _apart(what: str, given: bytes) -> bytes:
    """What the program says of `given`.

    Raises:
        FairihubError: what it refuses; `too-large`, it took too long or too much memory.
    """
    loop = asyncio.get_running_loop()
    answer = await loop.run_in_executor(_READERS, _asked, what, given)
    if answer is None:
        raise TooLarge("too-large", "The request holds more than can be read in time.")
    verdict, _, said = answer.partition(b"\n")
    if verdict != b"ok":
        raise _refusal(json.loads(said))
    return said


def _asked(what: str, given: bytes | BinaryIO) -> bytes | None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [sys.executable, "-m", "fairihub_headless.reading", what],
            input=given if isinstance(given, bytes) else None,
            stdin=None if isinstance(given, bytes) else given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=child_environment(HOME="/nonexistent"),
            timeout=_SECONDS,
            check=False,
            start_new_session=True,
        )
        return done.stdout if done.returncode == 0 else None
    return None


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


def main() -> None:
    """The program: `ok` and what was read, or the refusal."""
    limit_this_process(memory=_MEMORY, cpu_seconds=int(_SECONDS))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    skip_slow_imports()
    given, out = sys.stdin.buffer.read(), sys.stdout.buffer
    try:
        if sys.argv[1] == "request":
            body, notebook = taken_apart(given)
            told = json.dumps({"body": body, "notebook": notebook is not None})
            out.write(b"ok\n" + told.encode() + b"\n" + (notebook or b""))
        elif sys.argv[1] == "glued":
            out.write(b"ok\n" + _glued(given))
        else:
            found = [p.model_dump(mode="json") for p in _declared(given)]
            out.write(b"ok\n" + json.dumps(found).encode())
    except FairihubError as refused:
        told = json.dumps({"kind": type(refused).__name__, **refused.to_dict()})
        out.write(b"no\n" + told.encode())
    out.flush()


if __name__ == "__main__":
    main()
