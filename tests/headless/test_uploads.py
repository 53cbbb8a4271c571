"""A notebook in the request itself: read apart, stored as it came, in nobody's way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES
from fairihub_headless.models import NOTEBOOK_TYPE, Run
from fairihub_headless.processes.notebook_request import asked_of_notebook
from fairihub_headless.reading import MAX_UPLOAD, received, told_by
from fairihub_headless.results.left import glued_in

GLUE = "from fairihub_headless.scraps import glue\n"


def request(notebook: Any, **inputs: Any) -> bytes:
    value = {"value": notebook, "mediaType": NOTEBOOK_TYPE}
    return json.dumps({"inputs": {"notebook": value, **inputs}}).encode()


async def submitted(house: Any, raw: bytes) -> Run:
    body, sent = await received(raw, "ada")
    run: Run = await house.runs.submit(asked_of_notebook(body), house.caller(), sent)
    return run


@pytest.mark.parametrize("padding", [0, 600_000], ids=["small", "large"])
@pytest.mark.parametrize("as_text", [False, True])
async def test_an_uploaded_notebook_runs_and_is_kept(
    house: Any, notebook: Callable[..., str], padding: int, as_text: bool
) -> None:
    text = notebook(f"{GLUE}glue('a', a)\n#{'x' * padding}", parameters="a = 1")
    raw = request(text if as_text else json.loads(text), parameters_json={"a": 7})
    run = await house.ended(await submitted(house, raw))
    assert (run.state.value, run.notebook, run.source.kind) == (
        "successful", "upload.ipynb", "upload",
    )  # fmt: skip
    assert glued_in(house.runs.folder(run), "executed.ipynb").scraps == {"a": 7}
    kept = house.runs.folder(run).notebook.read_bytes()
    assert kept == text.encode() if as_text else json.loads(kept) == json.loads(text)
    again = await house.ended(await house.runs.again(run.id, {}, house.caller()))
    assert again.state is run.state


async def test_its_name_is_that_of_the_output(house: Any, notebook: Callable[..., str]) -> None:
    run = await submitted(house, request(json.loads(notebook("1")), output_filename="mine"))
    assert run.notebook == "mine.ipynb"
    await house.ended(run)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"cells": []}, "no-notebook"),
        ("[]", "no-notebook"),
        ("\ud800", "no-notebook"),
        (5, "bad-notebook"),
        (None, "bad-notebook"),
    ],
)
async def test_what_is_no_notebook(house: Any, given: Any, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        await submitted(house, request(given))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("notebook", "code"),
    [
        ({"value": {}, "mediaType": "text/html"}, "bad-media-type"),
        ({"href": "http://169.254.169.254/x.ipynb"}, "no-references"),
        ({"cells": []}, "bad-notebook"),
        ([], "bad-input"),
    ],
)
async def test_what_is_no_upload(house: Any, notebook: Any, code: str) -> None:
    body, sent = await received(json.dumps({"inputs": {"notebook": notebook}}).encode(), "ada")
    with pytest.raises(FairihubError) as refused:
        await house.runs.submit(asked_of_notebook(body), house.caller(), sent)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"x-ipynb": ' + b"[" * 100_000, "bad-json"),
        (b'{"x-ipynb": NaN}', "bad-json"),
        (b'"x-ipynb"', "bad-json"),
        (b'{"a": "' + b"x" * 3_000_000 + b'"}', "too-large"),
        (b'{"inputs": {"x-ipynb": "' + b"x" * 3_000_000 + b'"}}', "too-large"),
        (b"[" * 400_000 + b'"x-ipynb', "bad-json"),
        (b"\xff" * 300_000 + b"x-ipynb", "bad-json"),
    ],
)
async def test_hostile_bodies(raw: bytes, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        await received(raw, "ada")
    assert refused.value.code == code


async def test_a_body_of_the_largest_size_holds_the_loop_up_for_nothing(
    notebook: Callable[..., str],
) -> None:
    cells = ["x = [" + "1, " * 300_000 + "]"] * 15
    raw = request(json.loads(notebook(*cells)))
    assert MAX_UPLOAD * 0.5 < len(raw) < MAX_UPLOAD
    longest, last = 0.0, asyncio.get_running_loop().time()

    async def beat() -> None:
        nonlocal longest, last
        while True:
            moment = asyncio.get_running_loop().time()
            longest, last = max(longest, moment - last), moment
            await asyncio.sleep(0.005)

    beating = asyncio.create_task(beat())
    _, sent = await received(raw, "ada")
    assert sent is not None
    assert (await told_by(sent, "ada")).parameters == ()
    beating.cancel()
    assert longest < 0.5


async def test_a_notebook_that_is_too_large_is_said_to_be_so() -> None:
    with pytest.raises(FairihubError) as refused:
        await told_by(b" " * (MAX_NOTEBOOK_BYTES + 1), "ada")
    assert refused.value.code == "too-large"
