"""YAML as a tree that remembers where each value stands and how it was written.

Scalars stay text: `0123`, `on` and `1e5` are what their author typed, not what YAML makes of
them. Sizes are bounded, so that anchors that explode end in a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from fairihub_core.findings import Finding

MAX_BYTES = 1024 * 1024
_MAX_NODES = 50_000
_MAX_DEPTH = 40
BREAK = "\0"
"""Stands in `Scalar.broken` where the source breaks the line inside the value."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Scalar:
    """A value as text; `plain` if it was written without quotes."""

    text: str
    line: int = 0
    column: int = 0
    plain: bool = False
    broken: str | None = None
    """The text with `BREAK` at each line break of the source, if there is one."""

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...] = ()
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class Mapping:
    """Keys with their values, duplicates included, in the order of the file."""

    pairs: tuple[tuple[Scalar, Node], ...] = ()
    line: int = 0
    column: int = 0

    def get(self, key: str) -> Node | None:
        """The first value of `key`; None when it is missing or null."""
        found = next((value for k, value in self.pairs if k.text == key), None)
        return None if isinstance(found, Scalar) and found.is_null else found

    def key(self, name: str) -> Scalar | None:
        return next((k for k, _ in self.pairs if k.text == name), None)

    def duplicates(self) -> Iterator[Scalar]:
        """Each key that stands a second time."""
        seen: set[str] = set()
        for key, _ in self.pairs:
            if key.text in seen:
                yield key
            seen.add(key.text)


Node = Scalar | Sequence | Mapping


class NotYaml(Exception):
    """The text cannot be read as YAML; `finding` says where and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def read_tree(text: str) -> tuple[Node, ...]:
    """Every document in `text`.

    Raises:
        NotYaml: with a finding for the one who wrote the file.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refused("too-large", "The file is larger than 1 MiB, which no team file is.")
    try:
        return _Builder(text).documents()
    except yaml.MarkedYAMLError as problem:
        raise NotYaml(_explained(problem, text.splitlines())) from None
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise _refused(
            "invalid-yaml", "The file contains a character that YAML does not allow.", line
        ) from None


class _Builder:
    """Builds the tree from parser events, with its own bounds.

    PyYAML's composers recurse without one: a file of a hundred thousand brackets ends the
    process, and so the hub.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._events = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, Node] = {}
        self._sizes: dict[str, int] = {}
        self._nodes = 0

    def documents(self) -> tuple[Node, ...]:
        found: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors, self._sizes = {}, {}
                found.append(self._node(next(self._events), 0))
        return tuple(d for d in found if not (isinstance(d, Scalar) and d.is_null))

    def _node(self, event: Any, depth: int) -> Node:
        line, column = _place(event)
        before = self._nodes
        self._count(1, depth, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth, line, column)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, line, column)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Sequence(tuple(self._items(depth, yaml.SequenceEndEvent)), line, column)
        else:
            node = Mapping(tuple(self._pairs(depth)), line, column)
        if event.anchor:
            self._anchors[event.anchor] = node
            self._sizes[event.anchor] = self._nodes - before
        return node

    def _alias(self, event: Any, depth: int, line: int, column: int) -> Node:
        if event.anchor not in self._anchors:
            raise _refused(
                "invalid-yaml",
                f"The alias “*{event.anchor}” has no anchor before it; write the value out.",
                line,
                column,
            )
        # An alias weighs what it stands for: the count catches anchors that explode.
        self._count(self._sizes[event.anchor], depth, line)
        return self._anchors[event.anchor]

    def _items(self, depth: int, end: type) -> Iterator[Node]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)

    def _pairs(self, depth: int) -> Iterator[tuple[Scalar, Node]]:
        items = self._items(depth, yaml.MappingEndEvent)
        for key in items:
            if not isinstance(key, Scalar):
                raise _refused("invalid-yaml", "A key must be a word.", key.line, key.column)
            yield key, next(items)

    def _scalar(self, event: Any, line: int, column: int) -> Scalar:
        plain = not event.style
        broken = None
        if event.end_mark.line > event.start_mark.line:
            source = self._text[event.start_mark.index : event.end_mark.index].strip()
            inner = source if plain else source[1:-1]
            marked = re.sub(r"[ \t]*\n[ \t]*", BREAK, inner)
            # Escapes and blank lines fold otherwise: then nobody knows where the break was.
            if marked.replace(BREAK, " ") == event.value:
                broken = marked
        return Scalar(str(event.value), line, column, plain, broken)

    def _count(self, nodes: int, depth: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > _MAX_NODES or depth > _MAX_DEPTH:
            raise _refused(
                "too-large",
                "The file unfolds to too many or too deeply nested values.",
                line,
            )


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _refused(code: str, message: str, line: int = 0, column: int = 0) -> NotYaml:
    return NotYaml(Finding(line=line, column=column, severity="error", code=code, message=message))


def _explained(problem: yaml.MarkedYAMLError, lines: list[str]) -> Finding:
    """What to do about it, in words for the one who wrote the file."""
    mark = problem.problem_mark or problem.context_mark
    line = mark.line + 1 if mark else 0
    column = mark.column + 1 if mark else 0
    written = lines[line - 1].strip()[:60] if 0 < line <= len(lines) else ""
    said = f"Not valid YAML at “{written}”: {_advice(problem, lines, line)}"
    return Finding(line=line, column=column, severity="error", code="invalid-yaml", message=said)


def _advice(problem: yaml.MarkedYAMLError, lines: list[str], line: int) -> str:
    if any("\t" in text[: len(text) - len(text.lstrip())] for text in lines[line - 1 : line]):
        return "the line is indented with a tab; use spaces."
    words = f"{problem.context or ''} {problem.problem or ''}"
    if "undefined alias" in words:
        return "the alias refers to an anchor that does not exist; write the value out."
    if any(
        w in words for w in ("block end", "block mapping", "block collection", "block sequence")
    ):
        return (
            "its indentation does not fit the lines above. The indentation may have been lost in "
            "copying from a printed document: put keys that belong together in the same column, "
            "two spaces further in than the key that holds them."
        )
    if "simple key" in words or "mapping values" in words:
        return "a “:” is missing or too much; write `key: value`, in quotes if it contains a “:”."
    if "quoted scalar" in words:
        return "a quotation mark is not closed."
    return f"{(problem.problem or 'it cannot be read').strip()}."
