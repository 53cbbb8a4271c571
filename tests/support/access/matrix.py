"""Who may do what: the matrix of `tests/system/access_matrix.yaml` as values.

The tests walk it cell by cell on a real hub, and the documentation shows it as tables, so that
what is promised, what is tested and what is told are one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent.parent.parent / "system" / "access_matrix.yaml"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ALLOWED = "ok"
WITHOUT_OBJECT = "-"
"""There is nothing that the cell could be asked of: an operator without a team has no run."""
DENIALS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("401", "403", "404", "login")},
    "broken": ("500", "503", "504"),
    "out": ("401", "403", "login"),
}
"""How a cell may be refused, and the answers that are such a refusal."""


@dataclass(frozen=True)
class Column:
    """A kind of caller."""

    name: str
    told: str


@dataclass(frozen=True)
class Ask:
    """One method of one row: what is sent, and what each column is answered."""

    method: str
    at: str
    cells: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True)
class Row:
    """A route of the code; several rows where it matters whose thing it is asked about."""

    route: str
    case: str
    asks: tuple[Ask, ...]

    @property
    def title(self) -> str:
        return f"{self.route} ({self.case})" if self.case else self.route


@dataclass(frozen=True)
class Group:
    """Routes of one part that are asked in one way: with a cookie or with a token."""

    title: str
    part: str
    by: str
    told: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    only: str = ""
    """`provider`: these routes are there only where people do not sign in by link."""


@dataclass(frozen=True)
class Matrix:
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]

    def methods(self, part: str, sign_in: str = "links") -> dict[str, set[str]]:
        """By route of a part, the methods that some row decides."""
        there = ("", "provider") if sign_in != "links" else ("",)
        found: dict[str, set[str]] = {}
        for group in self.groups:
            if group.part == part and group.only in there:
                for row in group.rows:
                    found.setdefault(row.route, set()).update(a.method for a in row.asks)
        return found


def read_matrix(path: Path = FILE) -> Matrix:
    """The matrix; a mistake in the file is a ValueError that names the row."""
    given = yaml.safe_load(path.read_text())
    columns = tuple(Column(name, told) for name, told in given["columns"].items())
    policies = dict(given["policies"])
    groups = tuple(_group(group, policies, columns) for group in given["groups"])
    return Matrix(columns, groups)


def _group(given: dict[str, Any], policies: dict[str, Any], columns: tuple[Column, ...]) -> Group:
    names = tuple(given.get("columns") or (c.name for c in columns))
    rows = tuple(_row(row, policies, names) for row in given["rows"])
    return Group(
        title=given["title"],
        part=given["part"],
        by=given["by"],
        told=given.get("told", ""),
        columns=names,
        rows=rows,
        only=given.get("only", ""),
    )


def _row(given: dict[str, Any], policies: dict[str, Any], columns: tuple[str, ...]) -> Row:
    unknown = given.keys() - {"route", "at", "case", *METHODS}
    if unknown:
        raise ValueError(f"{given['route']}: what is {sorted(unknown)}?")
    asks = tuple(
        _ask(method, given[method], given, policies, columns)
        for method in METHODS
        if method in given
    )
    return Row(given["route"], given.get("case", ""), asks)


def _ask(
    method: str, given: Any, row: dict[str, Any], policies: dict[str, Any], columns: tuple[str, ...]
) -> Ask:
    long = given if isinstance(given, dict) and "cells" in given else {"cells": given}
    cells = _cells(long["cells"], policies)
    try:
        chosen = {name: str(cells.get(name, cells.get("else"))) for name in columns}
    except KeyError as missing:
        raise ValueError(f"{method} {row['route']}: nothing for {missing}") from None
    strange = set(chosen.values()) - {ALLOWED, WITHOUT_OBJECT, *DENIALS}
    if strange:
        raise ValueError(f"{method} {row['route']}: what is {sorted(strange)}?")
    at = long.get("at", row.get("at", row["route"]))
    return Ask(method, at, chosen, long.get("body"))


def _cells(given: Any, policies: dict[str, Any]) -> dict[str, Any]:
    """By column; a name stands for a policy, and `like` for one with exceptions."""
    if isinstance(given, str):
        return _cells(policies[given], policies)
    base = _cells(given["like"], policies) if "like" in given else {}
    return {**base, **{name: cell for name, cell in given.items() if name != "like"}}


def asks_of(matrix: Matrix, *parts: str) -> Iterator[tuple[Group, Row, Ask]]:
    for group in matrix.groups:
        if group.part in parts:
            for row in group.rows:
                for ask in row.asks:
                    yield group, row, ask
