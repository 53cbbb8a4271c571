"""Runs whose notebooks print too much, too little sense, or in odd forms: kept, cut, and said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest

from fairihub_headless.models import RunState
from fairihub_headless.results.left import glued_in

CAPPED = 1.3 * 2**20
"""The house keeps a mebibyte of output in a notebook, and one in the log."""
EXCUSE = "of output: from here on it is left out"

FLOODS = {
    "lines": "for i in range(20480): print('x' * 1023)",
    "one line": "print('x' * 20 * 2**20)",
    "small ones": "import sys\nfor i in range(30000): print('x' * 600, flush=i % 100 == 0)",
    "displays": "from IPython.display import display\nfor i in range(300): display('x' * 70_000)",
    "many displays": "from IPython.display import display\nfor i in range(20_000): display(i)",
    "json": "from IPython.display import display\n"
    "for i in range(20): display({'application/json': {'x': ['y' * 2**20]}}, raw=True)",
}


def executed(house: Any, run: Any) -> Any:
    """The notebook that the run left, which is a valid one."""
    text = (house.runs.folder(run).files / "executed.ipynb").read_text()
    assert len(text) < 2 * CAPPED
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    assert "NaN" not in text
    return found


@pytest.mark.parametrize("cell", FLOODS.values(), ids=FLOODS)
async def test_a_flood_is_capped_in_notebook_and_log_and_that_is_said(
    house: Any, cell: str
) -> None:
    run = await house.ended(await house.submit(cell, "print('after', 1 + 1)"))
    assert run.state is RunState.successful, run.failure
    assert EXCUSE in json.dumps(executed(house, run))
    assert house.runs.folder(run).log.stat().st_size < CAPPED


PLACE = "import os, subprocess, sys\n"
BESIDE = {
    "subprocess": "subprocess.run([sys.executable, '-c', \"import sys\\nfor i in range(20480): "
    "sys.stderr.write('x' * 1023 + chr(10))\"])",
    "C": "for i in range(20480): os.write(2, b'x' * 1023 + b'\\n')",
    "C, one line": "import ctypes\nlibc = ctypes.CDLL(None)\n"
    "for i in range(20): libc.write(1, b'x' * 2**20, 2**20)",
}


@pytest.mark.parametrize("cell", BESIDE.values(), ids=BESIDE)
async def test_a_flood_beside_python_is_capped_too(house: Any, cell: str) -> None:
    run = await house.ended(await house.submit(PLACE + cell))
    assert run.state is RunState.successful, run.failure
    executed(house, run)
    log = house.log(run)
    assert len(log) < CAPPED
    assert "The log is cut here" in log
    assert "xxx" in log


async def test_what_is_replaced_or_cleared_takes_no_room(house: Any) -> None:
    run = await house.submit(
        "from IPython.display import display, clear_output\n"
        "shown = display('a', display_id=True)\n"
        "for i in range(200): shown.update('b' * 20_000 + str(i))",
        "for i in range(200): clear_output(wait=i % 2 == 0); print('c' * 20_000, i)",
        "for i in range(200): print('d' * 20_000, i, end='\\r', flush=True)",
        "print('end')",
    )
    run = await house.ended(run)
    assert run.state is RunState.successful, run.failure
    found = executed(house, run)
    assert EXCUSE not in json.dumps(found)
    texts = [json.dumps(cell.outputs) for cell in found.cells]
    assert [mark in text for mark, text in zip(("199", "199", "199", "end"), texts, strict=True)]
    assert texts[0].count("b" * 20_000) == 1


async def test_updates_that_grow_are_capped(house: Any) -> None:
    run = await house.submit(
        "from IPython.display import display\nshown = display('a', display_id=True)\n"
        "for i in range(1, 60): shown.update('b' * 50_000 * i)"
    )
    run = await house.ended(run)
    assert (run.state, EXCUSE in json.dumps(executed(house, run))) == (RunState.successful, True)


NONSENSE = {
    "half a character": "print('\\ud800 half', '\\udfff')",
    "NaN": "from IPython.display import display\n"
    "display({'application/json': {'x': [float('nan'), float('inf')]}}, raw=True)",
    "deep JSON": "from IPython.display import display\nv = []\n"
    "for i in range(600): v = [v]\ndisplay({'application/json': v}, raw=True)",
    "too deep JSON": "from IPython.display import display\nv = []\n"
    "for i in range(100_000): v = [v]\n"
    "try: display({'application/json': v}, raw=True)\nexcept RecursionError: pass",
    "no text": "get_ipython().display_pub.publish({'text/plain': 5, 'image/png': None, "
    "'text/html': ['<b>', '</b>'], 'application/x+json': [1]})",
    "no metadata": "k = get_ipython().kernel\nk.send_response(k.iopub_socket, 'display_data', "
    "{'data': {'text/plain': 'x'}, 'metadata': [1]})",
    "no mapping": "k = get_ipython().kernel\nk.send_response(k.iopub_socket, 'display_data', "
    "{'data': 'x', 'metadata': None})\n"
    "k.send_response(k.iopub_socket, 'stream', {'name': 5, 'text': 7})\n"
    "k.send_response(k.iopub_socket, 'error', {'traceback': 'x'})\n"
    "k.send_response(k.iopub_socket, 'clear_output', {})\n"
    "k.send_response(k.iopub_socket, 'status', {})\n"
    "k.send_response(k.iopub_socket, 'comm_open', {})\n"
    "k.send_response(k.iopub_socket, 'comm_msg', {'comm_id': 'x'})\n"
    "k.send_response(k.iopub_socket, 'nobody-knows', {'x': 'y'})",
    "comm": "from comm import create_comm\nc = create_comm(target_name='jupyter.widget', "
    "data={'state': {'_model_name': 'X', '_model_module': 'y', 'v': 'w'}})\n"
    "c.send({'method': 'update', 'state': {'v': 'z' * 3_000_000}})\nc.send('text')\nc.close()",
}


@pytest.mark.parametrize("cell", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_ends_no_run_and_makes_a_valid_notebook(house: Any, cell: str) -> None:
    run = await house.ended(await house.submit(cell, "print('after', 6 * 7)"))
    assert run.state is RunState.successful, run.failure
    assert "after 42" in json.dumps(executed(house, run))
    run.model_dump_json()


async def test_input_fails_at_once_with_words(house: Any) -> None:
    run = await house.ended(await house.submit("input('name? ')"), seconds=30)
    assert (run.failure.code, run.failure.cell) == ("cell-failed", 1)
    assert "does not support input" in run.failure.error


def _old(version: int) -> str:
    """A notebook as it was written then."""
    if version == 3:
        cell = {"cell_type": "code", "input": "print('old')", "outputs": [], "language": "python",
                "metadata": {}, "collapsed": False}  # fmt: skip
        return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "x"},
                           "worksheets": [{"cells": [cell], "metadata": {}}]})  # fmt: skip
    cell = {"cell_type": "code", "source": ["print('old')"], "outputs": [], "metadata": {},
            "execution_count": None}  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": version - 40, "metadata": {},
                       "cells": [cell]})  # fmt: skip


@pytest.mark.parametrize("version", [3, 40, 42, 44])
async def test_notebooks_of_older_formats_without_a_kernel_run(house: Any, version: int) -> None:
    house.put(_old(version))
    run = await house.ended(await house.submit())
    assert run.state is RunState.successful, run.failure
    assert "old" in json.dumps([c.get("outputs") for c in executed(house, run).cells])


def _tagged(notebook: Callable[..., str], *cells: tuple[str, list[str]]) -> str:
    made = json.loads(notebook(*[source for source, _ in cells]))
    for cell, (_, tags) in zip(made["cells"], cells, strict=True):
        cell["metadata"]["tags"] = tags
    return json.dumps(made)


async def test_a_notebook_without_code_succeeds(house: Any, notebook: Callable[..., str]) -> None:
    house.put(notebook(), "none.ipynb")
    words = json.loads(notebook("# Words"))
    words["cells"][0] = {"cell_type": "markdown", "source": "# Words", "metadata": {}, "id": "a"}
    house.put(json.dumps(words), "words.ipynb")
    for path in ("none.ipynb", "words.ipynb"):
        run = await house.ended(await house.submit(path=path))
        assert (run.state, run.progress) == (RunState.successful, 100), run.failure


async def test_tags_that_papermill_knows(house: Any, notebook: Callable[..., str]) -> None:
    tagged = _tagged(
        notebook,
        ("print('first')", []),
        ("a = 1", ["parameters"]),
        ("a = 2", ["injected-parameters"]),
        ("print('a is', a)", []),
        ("1 / 0", ["raises-exception"]),
        ("print('went on')", []),
        ("print('skip' + 'ped')", ["skip-execution"]),
    )
    house.put(tagged)
    run = await house.ended(await house.submit(parameters_json={"a": 3}))
    assert run.state is RunState.successful, run.failure
    log = house.log(run)
    assert "a is 3" in log
    assert "went on" in log
    assert "skipped" not in log
    assert "ZeroDivisionError" in json.dumps(executed(house, run))


async def test_success_is_never_read_from_the_notebook(
    house: Any, notebook: Callable[..., str]
) -> None:
    """What looks like an error of an earlier execution, or says it succeeded, proves nothing."""
    made = json.loads(notebook("print('fine')", "1 / 0"))
    made["metadata"]["papermill"] = {"exception": True, "end_time": "x"}
    for cell in made["cells"]:
        cell["metadata"]["papermill"] = {"status": "completed", "exception": False}
    house.put(json.dumps(made), "claims.ipynb")
    made["cells"].pop()
    made["cells"][0]["outputs"] = [
        {"output_type": "error", "ename": "Old", "evalue": "", "traceback": []}
    ]
    house.put(json.dumps(made), "old.ipynb")
    shown = "k = get_ipython().kernel\nk.send_response(k.iopub_socket, 'error', "\
        "{'ename': 'X', 'evalue': 'y', 'traceback': ['t']})"  # fmt: skip
    house.put(notebook(shown), "shown.ipynb")
    found = [
        await house.ended(await house.submit(path=f"{name}.ipynb"))
        for name in ("claims", "old", "shown")
    ]
    assert [run.state.value for run in found] == ["failed", "successful", "successful"]
    assert found[0].failure.cell == 2


async def test_what_is_glued_outlives_a_flood_and_what_has_no_room_is_named(house: Any) -> None:
    run = await house.submit(
        "from fairihub_headless import glue\nprint('x' * 2 * 2**20)\nglue('small', 7)\n"
        "glue('stale', 1)\nglue('huge', 'y' * 9 * 2**20)\nglue('stale', 'z' * 9 * 2**20)"
    )
    run = await house.ended(run)
    assert run.state is RunState.successful, run.failure
    assert glued_in(house.runs.folder(run), "executed.ipynb").scraps == {"small": 7}
    said = "Not kept, since more than 8 MiB was glued: huge, stale."
    assert said in run.message
    assert said in house.log(run)
