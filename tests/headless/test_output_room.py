"""How much a notebook may hold: of what it prints, and of what it glues."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from nbformat import NotebookNode

from fairihub_headless.glued import MOST, names_in
from fairihub_headless.worker.execution import Execution
from fairihub_headless.worker.output_room import OutputRoom

LIMIT = 1000


def scrap(name: str, data: Any) -> dict[str, Any]:
    payload = {"name": name, "data": data, "encoder": "json", "version": 1}
    return {"data": {"application/scrapbook.scrap.json+json": payload}, "metadata": {}}


def figure(name: str) -> dict[str, Any]:
    about = {"name": name, "data": False, "display": True}
    return {"data": {"image/png": "iVBO"}, "metadata": {"scrapbook": about}}


def test_what_an_output_glues() -> None:
    assert names_in(scrap("n", 1)) == ["n"]
    assert names_in(figure("f")) == ["f"]
    record = {"data": {"application/papermill.record+json": {"a": 1, "b": 2}}}
    assert names_in(record) == ["a", "b"]
    assert (
        names_in({"name": "stdout", "text": "x"}) == names_in({"data": {"text/plain": "x"}}) == []
    )


@pytest.mark.parametrize("content", [scrap("n", 1), figure("n")])
def test_a_flood_takes_no_room_from_what_is_glued(content: dict[str, Any]) -> None:
    room, outs = OutputRoom(LIMIT, NotebookNode(cells=[])), list[NotebookNode]()
    assert not room.take(outs, "stream", {"name": "stdout", "text": "x" * 2 * LIMIT}, 0)
    assert room.take(outs, "display_data", content, 0)


def test_what_is_glued_is_bounded_and_that_is_said() -> None:
    room, outs = OutputRoom(LIMIT, NotebookNode(cells=[])), list[NotebookNode]()
    large = scrap("large", "x" * (MOST - 100_000))
    assert room.take(outs, "display_data", large, 0)
    assert not room.take(outs, "display_data", large, 1)
    assert "8 MiB was glued" in outs[-1].text
    assert room.take(outs, "stream", {"name": "stdout", "text": "x"}, 1)
    room.clear(0)
    assert room.take(outs, "display_data", large, 1)


def test_of_a_name_the_last_value_counts() -> None:
    told = SimpleNamespace(_not_kept={})
    for names, kept in ((["a", "b"], False), (["a"], True), (["c"], False), (["b"], False)):
        Execution.glued(told, names, kept=kept)  # type: ignore[arg-type]
    assert list(told._not_kept) == ["b", "c"]
