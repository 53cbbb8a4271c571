"""What people see who open an address of the API in a browser: runs, a run, how to start one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fairihub_core.clock import today
from fairihub_core.errors import shortened
from fairihub_core.parameters import Parameter
from fairihub_core.run_words import RUN_WORDS
from fairihub_core.service_page import Brand, service_page
from fairihub_core.units import human_bytes
from fairihub_headless.callers import EVERY_TEAM
from fairihub_headless.models import RunState
from fairihub_headless.processes.execute_notebook import EXAMPLE
from fairihub_headless.store.listing import EVERY, NEWEST_FIRST
from fairihub_headless.web.answers import FileEntry, FileList, JobList, StatusInfo
from fairihub_headless.web.asked import ListQuery, sort_of

_FOLLOWING = (Path(__file__).parent / "static/following.js").read_text(encoding="utf-8")
_SPANS = {"today": 0, "last 7 days": 6, "last 30 days": 29}
_ORDERS = {
    "-created": "newest first", "created": "oldest first", "-duration": "longest first",
    "duration": "shortest first", "notebook": "by notebook", "status": "by state",
}  # fmt: skip
_ONE_LINE = 72
_MOST_TEXT = 20_000
"""Characters of one value that a page shows; the JSON answer has all of it."""
_MOST_VALUES = 200
"""So many of what was glued are on a page."""


@dataclass(frozen=True)
class Tail:
    """The end of a run's log, and where it ends."""

    text: str = ""
    stop: int = 0
    whole: bool = True
    """Whether it is all of it."""


_NO_LOG = Tail()


@dataclass(frozen=True)
class Left:
    """What a run left: its files, and the values that it glued."""

    files: Sequence[FileEntry] = ()
    values: dict[str, Any] = field(default_factory=dict)


def page(brand: Brand, title: str, content: str, prefix: str, login: str | None) -> str:
    """A whole page around `content`, which is HTML from one of the functions below.

    Args:
        prefix: where the addresses of the service begin.
    """
    return service_page(brand, title, content, prefix, login)


def policy(brand: Brand) -> str:
    """The Content-Security-Policy of these pages."""
    return brand.policy_with(_FOLLOWING)


@dataclass(frozen=True)
class Shown:
    """Which runs a list shows, and which others there are to choose."""

    asked: ListQuery
    own: bool
    """Whether only runs of the caller are in it."""
    lists: Sequence[str] = ()
    """What the caller can choose as the team."""

    @property
    def spans(self) -> dict[str, str]:
        """What can be chosen of the time that runs were asked for in, by what it is called."""
        asked, ends = self.asked.first("datetime"), today()
        spans = {f"{ends - timedelta(days=days)}/..": words for words, days in _SPANS.items()}
        return {"": "any time", **({asked: asked} if asked else {}), **spans}

    @property
    def orders(self) -> dict[str, str]:
        """In which orders a list can be had."""
        asked = sort_of(self.asked.order)
        return {**_ORDERS, **({asked: asked} if asked not in _ORDERS else {})}

    @property
    def sort(self) -> str:
        return sort_of(self.asked.order)

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What a search keeps of what was asked for before."""
        given = parse_qsl(self.asked.query(offset=0, place=None))
        return [(k, v) for k, v in given if k not in ("q", "datetime", "sort", "pinned")]

    @property
    def everything(self) -> str:
        """The same list without a filter."""
        return self._address(meant=EVERY, said={})

    @property
    def by_age(self) -> bool:
        return self.asked.order == NEWEST_FIRST

    @property
    def title(self) -> str:
        if self.own:
            return "Your runs"
        of_team = self.asked.team not in (None, EVERY_TEAM)
        whose = self.asked.owner or (f"team {self.asked.team}" if of_team else "all teams")
        more = f" in team {self.asked.team}" if self.asked.owner and of_team else ""
        return f"Runs of {whose}{more}"

    def of_state(self, state: RunState | None) -> str:
        """The same list of all states, or of one, from its beginning."""
        states = () if state is None else (state,)
        return self._address(meant=replace(self.asked.meant, states=states))

    def of_team(self, team: str) -> str:
        """All runs of a team."""
        return self._address(team=team, owner=None, meant=EVERY, said={})

    def _address(self, **change: Any) -> str:
        query = self.asked.query(**{"offset": 0, "place": None, **change})
        return f"jobs?{query}" if query else "jobs"


def runs(jobs: JobList, shown: Shown, base: str, brand: Brand) -> str:
    """A list of runs; a member who has none yet learns how to start one."""
    ways = [link for link in jobs.links if link.rel in ("prev", "next")]
    return _made("runs", base=base, jobs=jobs, shown=shown, ways=ways, hub_url=brand.hub_url)


@dataclass(frozen=True)
class Typed:
    """What a person typed to repeat a run: the parameters as JSON, and a profile."""

    parameters: str
    profile: str


def repeat(
    status: StatusInfo, typed: Typed, profiles: Sequence[str], declared: Sequence[Parameter],
    xsrf: str, base: str, problem: str | None,
) -> str:  # fmt: skip
    """The form that repeats a run, and why it was not accepted, if it was sent before."""
    return _made(
        "repeat", base=base, run=status, typed=typed, profiles=profiles, declared=declared,
        xsrf=xsrf, problem=problem,
    )  # fmt: skip


def run(
    status: StatusInfo, left: Left, xsrf: str, base: str, *, own: bool, tail: Tail = _NO_LOG
) -> str:
    """One run: how it stands, what went in, what it printed last, and for its owner the rest."""
    inputs = dict(status.parameters)
    return _made(
        "run",
        base=base,
        run=status,
        left=left,
        xsrf=xsrf,
        own=own,
        tail=tail,
        following=Markup(_FOLLOWING),  # noqa: S704 - our own file
        given=inputs.pop("parameters_json", {}),
        others={k: v for k, v in inputs.items() if k != "notebook"},
    )


def files(left: FileList, job: str, base: str) -> str:
    ways = [link for link in left.links if link.rel in ("next", "prev")]
    return _made("files", base=base, left=left, ways=ways, job=job)


def results(document: dict[str, Any], job: str, base: str) -> str:
    """What a run brought: values as text, since a notebook made them; links only to our files."""
    notebook = document.get("notebook")
    # Asked for by value, the notebook is a whole document: a person takes it from the files.
    reference = [notebook] if isinstance(notebook, dict) and "href" in notebook else []
    return _made(
        "results",
        base=base,
        job=job,
        values=document.get("scraps", {}),
        displays=document.get("displays", {}),
        links=[*reference, *document.get("files", [])],
    )


def cancel(status: StatusInfo, xsrf: str, base: str, *, own: bool) -> str:
    """The question before a run is cancelled; its form is the answer."""
    return _made("cancel", base=base, run=status, xsrf=xsrf, own=own)


def processes(document: dict[str, Any], base: str) -> str:
    return _made("processes", base=base, processes=document["processes"])


def process(document: dict[str, Any], example: Mapping[str, Any], base: str, brand: Brand) -> str:
    """What a process can be given and what it brings, with an example to start from."""
    return _made("process", base=base, process=document, example=example, hub_url=brand.hub_url)


def conformance(document: dict[str, Any], base: str) -> str:
    return _made("conformance", base=base, classes=document["conformsTo"])


def api(document: dict[str, Any], base: str) -> str:
    """The operations of the OpenAPI document, in short."""
    operations = [
        (method.upper(), path, told["summary"])
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]
    return _made("api", base=base, operations=operations)


def problem(title: str, document: dict[str, Any], base: str) -> str:
    return _made("problem", base=base, title=title, problem=document)


def anything(title: str, document: Any, base: str) -> str:
    """What no page is made for, as text."""
    return _made("anything", base=base, title=title, document=document)


def _made(template: str, **names: Any) -> str:
    return _templates.get_template(f"{template}.html").render(**names)


def moment(text: str) -> str:
    """“2026-11-21 06:45 UTC”."""
    return datetime.fromisoformat(text).astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def lasted(started: str, finished: str) -> str:
    """“48 s”, “2 min 5 s”, “3 h 20 min”."""
    took = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    seconds = max(0, round(took.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def as_text(value: Any) -> str:
    """A value of a notebook, for a person: a text as it is, the rest as JSON; not without end."""
    text = value if isinstance(value, str) else _json_of(value, None, _ONE_LINE)
    if not isinstance(value, str) and len(text) > _ONE_LINE:
        text = _json_of(value, 1, _MOST_TEXT)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"


def _json_of(value: Any, indent: int | None, most: int) -> str:
    """The JSON of `value`, or as much of its beginning as shows that it is longer than `most`."""
    parts, length = [], 0
    for part in json.JSONEncoder(ensure_ascii=False, indent=indent).iterencode(value):
        parts.append(part)
        length += len(part)
        if length > most:
            break
    return "".join(parts)


def in_short(values: Mapping[str, Any]) -> str:
    """Parameters in one line, which tells runs of one notebook apart: “year: 2026, days: 7”."""
    told = ", ".join(
        f"{name}: {shortened(value if isinstance(value, str) else as_json(value), 40)}"
        for name, value in list(values.items())[:20]
    )
    return shortened(told, 120)


def headed(page: bytes, status: StatusInfo) -> bytes:
    """The report of a run, with what it is the report of at its head and in its title."""
    name = status.title or status.parameters.get("notebook", status.processID)
    head = _made("report", run=status, name=name).encode()
    begin, mark, rest = page.partition(b"<body>")
    begin = re.sub(rb"<title>.*?</title>", lambda _: b"", begin, count=1)
    title = Markup("<title>{}</title>").format(f"Run of {name}").encode()
    return begin.replace(b"</head>", title + b"</head>") + mark + head + rest


def kind_of(schema: dict[str, Any]) -> str:
    """The type in a JSON Schema: “string”, “string or number”."""
    kinds = [str(s.get("type", "any")) for s in schema.get("oneOf", [schema])]
    return " or ".join(kinds)


def bounds_of(schema: Mapping[str, Any]) -> str:
    """What else a JSON Schema says of a value: “: low, normal, high; normal if not given”."""
    least, most, default = (schema.get(key) for key in ("minimum", "maximum", "default"))
    parts = [
        ", ".join(map(as_text, schema.get("enum", ()))),
        f"at least {least:g}" if least is not None and most is None else "",
        f"{least or 0:g} to {most:g}" if most is not None else "",
        f"{default} if not given" if default is not None else "",
    ]
    told = "; ".join(part for part in parts if part)
    return f": {told}" if told else ""


def with_code(words: str) -> Markup:
    """A text of ours in which `code` is marked, as a page shows it."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(words)))
    return Markup(marked)  # noqa: S704 - escaped before


def as_json(value: Any) -> str:
    """As it stands in a request."""
    return json.dumps(value, ensure_ascii=False)


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["most_shown"] = _MOST_VALUES
_templates.filters |= {
    "moment": moment,
    "as_text": as_text,
    "as_json": as_json,
    "in_short": in_short,
    "bounds_of": bounds_of,
    "kind_of": kind_of,
    "size": human_bytes,
    "with_code": with_code,
    "word": lambda state: RUN_WORDS[state.value],
    "number": "{:,}".format,
}
_templates.globals |= {"lasted": lasted, "states": tuple(RunState), "usual": EXAMPLE}
