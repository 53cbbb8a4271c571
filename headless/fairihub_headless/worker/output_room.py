"""How much output a notebook may hold: what comes is taken in, cut, or left out, and that is said.

What is cleared, overwritten or replaced gives its room back. What is glued has room of its own:
however much a notebook prints, its results come to nothing by that.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from fairihub_headless.glued import MOST, names_in
from fairihub_headless.worker.outputs import settled, shortened, size_of, weight

_SMALL = 64 * 1024
"""So much text is put together at once; more of it only when it has grown by a part."""


class _Room:
    """So many bytes, which cells share.

    Args:
        excuse: what is said where it is full.
    """

    def __init__(self, limit: float, excuse: str) -> None:
        self.left = limit
        self.excuse = excuse
        self._taken: defaultdict[int, float] = defaultdict(float)

    def charge(self, cell: int, size: float) -> None:
        self._taken[cell] += size
        self.left -= size

    def clear(self, cell: int) -> None:
        self.left += self._taken.pop(cell, 0)


class OutputRoom:
    """The room for output in `notebook`.

    Args:
        limit: bytes in all; None means as much as comes.
    """

    def __init__(self, limit: int | None, notebook: NotebookNode) -> None:
        self._room = _Room(
            math.inf if limit is None else limit,
            f"More than {(limit or 0) / 2**20:.1f} MiB of output: from here on it is left out. "
            "Write large results to a file in RESULTS_DIRECTORY.",
        )
        self._glued = _Room(
            math.inf if limit is None else MOST,
            f"More than {MOST // 2**20} MiB was glued: from here on it is left out.",
        )
        self._notebook = notebook
        self._streams: dict[str, tuple[NotebookNode, list[str]]] = {}
        self._cell = -1
        self._told: set[tuple[int, str]] = set()

    def take(self, outs: list[NotebookNode], kind: str, content: dict[str, Any], cell: int) -> bool:
        """Whether there is room for this output; a text is cut to what fits, an error always does.

        Where something is left out, the cell says so once.
        """
        if kind == "stream":
            content["text"] = shortened(content["text"])
        size, room = size_of(content), self._glued if names_in(content) else self._room
        fits = size <= room.left or kind == "error"
        if not fits and kind == "stream" and room.left > 0:
            content["text"] = content["text"][: int(room.left)]
            self.stream(outs, content["name"], content["text"], cell)
            room.charge(cell, len(content["text"]))
        if fits:
            room.charge(cell, size)
        else:
            self._excuse(cell, outs, room)
        return fits

    def take_update(self, shown: Mapping[int, list[int]], content: dict[str, Any]) -> bool:
        """Whether the displays in `shown`, by cell and number, may become this one."""
        new, growth = size_of(content), 0
        for cell, numbers in shown.items():
            outs = self._notebook.cells[cell].outputs
            growth += sum(new - size_of(outs[number]) for number in numbers)
        if growth > self._room.left:
            cell = max(shown)
            self._excuse(cell, self._notebook.cells[cell].outputs, self._room)
            return False
        for cell in list(shown)[:1]:
            self._room.charge(cell, growth)
        return True

    def take_state(self, known: Mapping[str, Any], msg: dict[str, Any]) -> bool:
        """Whether a widget may take this state; what it had of it before is `known`."""
        data = msg["content"].get("data")
        state = data.get("state") if isinstance(data, Mapping) else None
        if not isinstance(state, Mapping):
            return isinstance(data, Mapping)
        growth = weight(state) - weight({k: known[k] for k in state if k in known})
        growth += sum(memoryview(part).nbytes * 4 // 3 for part in msg.get("buffers", ()))
        if growth > self._room.left:
            return False
        self._room.left -= growth
        return True

    def stream(self, outs: list[NotebookNode], name: str, text: str, cell: int) -> NotebookNode:
        """Adds to what the cell printed last; the output of this text alone, for whoever logs."""
        if cell != self._cell:
            self.settle(ended=True)
            self._cell = cell
        if name not in self._streams:
            node = new_output("stream", name=name, text="")
            outs.append(node)
            self._streams[name] = (node, [])
        node, pieces = self._streams[name]
        pieces.append(text)
        if len(node.text) < _SMALL:
            self._join(node, pieces)
        alone: NotebookNode = new_output("stream", name=name, text=text)
        return alone

    def settle(self, *, ended: bool = False) -> None:
        """Puts together what was printed; `ended`: what comes next is another output."""
        for node, pieces in self._streams.values():
            self._join(node, pieces)
        if ended:
            self._streams.clear()

    def clear(self, cell: int) -> None:
        """The outputs of `cell` are no more."""
        self._streams.clear()
        self._room.clear(cell)
        self._glued.clear(cell)

    def _join(self, node: NotebookNode, pieces: list[str]) -> None:
        if not pieces:
            return
        whole = node.text + "".join(pieces)
        pieces.clear()
        node.text = settled(whole)
        self._room.charge(self._cell, len(node.text) - len(whole))

    def _excuse(self, cell: int, outs: list[NotebookNode], room: _Room) -> None:
        if (cell, room.excuse) in self._told:
            return
        self._told.add((cell, room.excuse))
        self.settle(ended=True)
        outs.append(new_output("stream", name="stderr", text=f"[fairihub] {room.excuse}\n"))
