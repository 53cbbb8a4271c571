"""What the API does, free of any web framework: from a call to an answer, as one table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fairihub_catalog.callers import Caller
from fairihub_catalog.catalogue import Catalogue
from fairihub_catalog.index import Query
from fairihub_catalog.models import (
    MAX_BODY_BYTES,
    Contribution,
    Decline,
    Publish,
    Withdraw,
    to_json,
)
from fairihub_catalog.reading import version_of
from fairihub_catalog.requests import parsed, whole_number
from fairihub_core.notebook_page import HEADERS
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES
from fairihub_core.scopes import CONTRIBUTE, CURATE, Scope

MAX_UPLOAD_BYTES = MAX_NOTEBOOK_BYTES + 4 * MAX_BODY_BYTES
_MAX_PAGE = 200
_MAX_OFFSET = 1_000_000
_MAX_TAGS_ASKED = 20


@dataclass(frozen=True)
class Call:
    """A request of a known caller. `names` are the parts of the path that stand for things."""

    caller: Caller
    names: tuple[str, ...] = ()
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    known: str = ""
    """The versions that the caller has already (`If-None-Match`)."""

    @property
    def name(self) -> str:
        """What the path is about."""
        return self.names[0]

    def word(self, name: str, default: str = "") -> str:
        return (self.query.get(name) or [default])[-1]


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json; charset=utf-8"}
    )


Work = Literal["preview", "reading"]
"""What waits for other programs: the making of a preview, the reading of a sent notebook."""


@dataclass(frozen=True)
class Operation:
    """What one method does at a path, and what the caller's token must hold for it."""

    does: Callable[[Catalogue, Call], Answer]
    needs: Scope | None
    """None: whoever may use the catalogue at all. What they see is decided by their teams."""
    work: Work | None = None
    """It waits for other programs, and gets threads and turns of its own."""
    kept: Callable[[Catalogue, Call], Answer | None] | None = None
    """The answer that needs no such work, if there is one already."""
    body: int = MAX_BODY_BYTES
    """How many bytes it may be sent."""


@dataclass(frozen=True)
class Route:
    """A path below the API, and what can be done there, by method."""

    pattern: str
    operations: Mapping[str, Operation]


def answer_json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value, ensure_ascii=False).encode(), status)


def me(catalogue: Catalogue, call: Call) -> Answer:
    return answer_json(to_json(catalogue.me(call.caller)))


def query_of(call: Call) -> Query:
    """What the caller looks for, and what they may see."""
    return Query(
        visible=call.caller.visible,
        text=call.word("q"),
        tags=tuple(call.query.get("tag", [])[:_MAX_TAGS_ASKED]),
        team=call.word("team"),
        limit=whole_number(call.word("limit", "50"), "limit", 1, _MAX_PAGE),
        offset=whole_number(call.word("offset", "0"), "offset", 0, _MAX_OFFSET),
    )


def notebooks(catalogue: Catalogue, call: Call) -> Answer:
    return answer_json(to_json(catalogue.index.search(query_of(call))))


def notebook(catalogue: Catalogue, call: Call) -> Answer:
    return answer_json(to_json(catalogue.find(call.caller, call.name).entry))


def content(catalogue: Catalogue, call: Call) -> Answer:
    notebook = catalogue.find(call.caller, call.name)
    found, version = catalogue.at_version(notebook, call.word("version"))
    tag = f'"{version_of(found)}"'
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "ETag": tag,
        "Notebook-Version": version,
        "Cache-Control": "private, no-cache",
    }
    fresh = tag in call.known
    return Answer(b"" if fresh else found, 304 if fresh else 200, headers)


def notebook_preview(catalogue: Catalogue, call: Call) -> Answer:
    page = catalogue.preview(catalogue.find(call.caller, call.name))
    return Answer(page.page, headers=HEADERS)


def kept_preview(catalogue: Catalogue, call: Call) -> Answer | None:
    page = catalogue.kept_preview(catalogue.find(call.caller, call.name))
    return None if page is None else Answer(page.page, headers=HEADERS)


def contributions(catalogue: Catalogue, call: Call) -> Answer:
    ways = catalogue.contributions
    if call.word("mine"):
        found = ways.mine(call.caller)
    else:
        found = ways.of_teams(call.caller, call.word("team"))
    return answer_json({"contributions": [to_json(c) for c in found]})


def submit(catalogue: Catalogue, call: Call) -> Answer:
    return _contribution(catalogue.contributions.submit(call.caller, call.body), 201)


def contribution(catalogue: Catalogue, call: Call) -> Answer:
    return _contribution(catalogue.contributions.get(call.caller, call.name))


def contribution_preview(catalogue: Catalogue, call: Call) -> Answer:
    page = catalogue.contribution_preview(call.caller, call.name)
    return Answer(page.page, headers=HEADERS)


def kept_contribution_preview(catalogue: Catalogue, call: Call) -> Answer | None:
    page = catalogue.kept_contribution_preview(call.caller, call.name)
    return None if page is None else Answer(page.page, headers=HEADERS)


def publish(catalogue: Catalogue, call: Call) -> Answer:
    asked = parsed(Publish, call.body)
    return _contribution(catalogue.contributions.publish(call.caller, call.name, asked.note))


def decline(catalogue: Catalogue, call: Call) -> Answer:
    asked = parsed(Decline, call.body)
    return _contribution(catalogue.contributions.decline(call.caller, call.name, asked.reason))


def withdraw(catalogue: Catalogue, call: Call) -> Answer:
    parsed(Withdraw, call.body)
    return _contribution(catalogue.contributions.withdraw(call.caller, call.name))


def _contribution(found: Contribution, status: int = 200) -> Answer:
    return answer_json(to_json(found), status)


_ID = r"([^/]{1,200})"
_CID = r"([0-9a-f]{32})"


def _read(does: Callable[[Catalogue, Call], Answer]) -> Mapping[str, Operation]:
    return {"GET": Operation(does, needs=None)}


def _preview(
    does: Callable[[Catalogue, Call], Answer], kept: Callable[[Catalogue, Call], Answer | None]
) -> Mapping[str, Operation]:
    return {"GET": Operation(does, needs=None, work="preview", kept=kept)}


ROUTES = (
    Route("me", _read(me)),
    Route("notebooks", _read(notebooks)),
    Route(f"notebooks/{_ID}", _read(notebook)),
    Route(f"notebooks/{_ID}/content", _read(content)),
    Route(f"notebooks/{_ID}/preview", _preview(notebook_preview, kept_preview)),
    Route(
        "contributions",
        {
            "GET": Operation(contributions, needs=None),
            "POST": Operation(submit, needs=CONTRIBUTE, work="reading", body=MAX_UPLOAD_BYTES),
        },
    ),
    Route(f"contributions/{_CID}", _read(contribution)),
    Route(
        f"contributions/{_CID}/preview",
        _preview(contribution_preview, kept_contribution_preview),
    ),
    Route(
        f"contributions/{_CID}/publish",
        {"POST": Operation(publish, needs=CURATE, work="reading")},
    ),
    Route(f"contributions/{_CID}/decline", {"POST": Operation(decline, needs=CURATE)}),
    Route(f"contributions/{_CID}/withdraw", {"POST": Operation(withdraw, needs=CONTRIBUTE)}),
)


def find_route(path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route at `path` below the API, and the parts of the path that stand for things."""
    for route in ROUTES:
        found = re.fullmatch(route.pattern, path)
        if found:
            return route, found.groups()
    return None
