"""The form of the route table: which addresses there are, who answers, and what is promised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairihub_core.scopes import Scope

Needs = Mapping[str, Scope | None]
"""By method, what a token must hold; a method that is not in it is not answered."""


@dataclass(frozen=True)
class Answer:
    """Another answer than the usual one, that is no error either."""

    status: int
    summary: str
    gives: str | None = None
    kinds: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the OpenAPI document tells of it."""

    method: str
    name: str
    summary: str
    needs: Scope | None
    """What the caller's token must hold; None: whoever may use the service at all."""
    status: int = 200
    gives: str | None = None
    """Name of the model that is answered; None means some object."""
    takes: str | None = None
    query: tuple[str, ...] = ("f",)
    kind: str = "application/json"
    also: tuple[str, ...] = ()
    """Other media types of the same."""
    hears: tuple[str, ...] = ()
    """Headers of the request that matter."""
    tells: tuple[str, ...] = ()
    """Headers of the answer."""
    or_else: tuple[Answer, ...] = ()
    refuses: tuple[int, ...] = ()
    """Statuses of error answers, beside those that its form tells."""


@dataclass(frozen=True)
class Route:
    """One address below the service's prefix, such as `/jobs/{jobID}`."""

    path: str
    handler: type[Any]
    operations: tuple[Operation, ...]
    rest: str | None = None
    """The name of a last part that may itself contain slashes."""
    for_people: bool = False
    """A page with a form and no part of the API, which does not tell of it."""

    @property
    def needs(self) -> Needs:
        return {operation.method: operation.needs for operation in self.operations}

    @property
    def names(self) -> list[str]:
        """What stands in the path in place of braces."""
        return re.findall(r"\{(\w+)\}", self.path)

    def pattern(self, prefix: str) -> str:
        """The regular expression of the whole address."""
        parts = re.split(r"\{(\w+)\}", self.path)
        names = parts[1::2]
        turned = [re.escape(part) for part in parts]
        turned[1::2] = [f"(?P<{name}>{'.+' if name == self.rest else '[^/]+'})" for name in names]
        return re.escape(prefix.rstrip("/")) + "".join(turned) + r"/?$"
