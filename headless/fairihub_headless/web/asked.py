"""What of the list of jobs is asked for: a query, read strictly and written again; pure."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, get_args
from urllib.parse import urlencode

from fairihub_core.errors import BadInput, shortened
from fairihub_headless.models import RunState
from fairihub_headless.store.listing import EVERY, NEWEST_FIRST, Filter, Key, Order, Position

QUERY = (
    "limit", "offset", "cursor", "type", "status", "processID", "team", "owner", "q", "datetime",
    "minDuration", "maxDuration", "pinned", "sort", "f",
)  # fmt: skip
"""Everything that can be said."""
KEYS: tuple[Key, ...] = get_args(Key)
LIMIT, MOST = 50, 1000
_LONGEST_TEXT, _MOST_WORDS = 200, 8
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[Tt ](?P<time>\d\d:\d\d:\d\d)(?P<part>\.\d{1,6})?"
    r"(?P<zone>[Zz]|[+ -]\d\d:\d\d)?)?"
)
Given = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class ListQuery:
    """What of the list of jobs is asked for."""

    limit: int = LIMIT
    offset: int = 0
    place: Position | None = None
    meant: Filter = EVERY
    order: Order = NEWEST_FIRST
    team: str | None = None
    owner: str | None = None
    said: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The filters as they were written, for addresses and forms."""

    @property
    def filters(self) -> bool:
        """Whether only some of the runs are meant."""
        return self.meant != EVERY

    def first(self, name: str) -> str:
        """A filter as it was written; empty, if it was not."""
        return next(iter(self.said.get(name, ())), "")

    def query(self, **change: Any) -> str:
        """The query that asks for the same, from a place on, with something changed."""
        then = replace(self, **change)
        given = {
            "limit": then.limit if then.limit != LIMIT else None,
            "offset": then.offset or None,
            "cursor": then.place and written(then.order, then.place),
            "status": [state.value for state in then.meant.states],
            "team": then.team,
            "owner": then.owner,
            "sort": None if then.order == NEWEST_FIRST else sort_of(then.order),
            **then.said,
        }
        return urlencode({k: v for k, v in given.items() if v}, doseq=True)


def list_query(given: Given) -> ListQuery:
    """What a query asks for.

    Raises:
        BadInput: `bad-query`, naming what cannot be read.
    """
    _require_known(given)
    order = _order(given)
    cursor = _one(given, "cursor")
    if cursor and _one(given, "offset"):
        raise BadInput("bad-query", "`cursor` goes without `offset`.")
    free = ("processID", "q", "datetime", "minDuration", "maxDuration", "pinned")
    return ListQuery(
        limit=min(whole_number(_one(given, "limit") or str(LIMIT), "limit", least=1), MOST),
        offset=whole_number(_one(given, "offset") or "0", "offset"),
        place=read(order, cursor) if cursor else None,
        meant=_filter(given),
        order=order,
        team=_one(given, "team"),
        owner=_one(given, "owner"),
        said={name: tuple(filter(None, given.get(name, ()))) for name in free},
    )


def _require_known(given: Given) -> None:
    """A filter that is misspelt must not list everything."""
    unknown = [name for name in given if name not in QUERY]
    if unknown:
        said, known = shortened(unknown[0], 60), ", ".join(QUERY)
        raise BadInput("bad-query", f"`{said}` is not known here. Known: {known}.")
    if any(kind != "process" for kind in _several(given, "type")):
        raise BadInput("bad-query", "`type` can be: process.")


def sort_of(order: Order) -> str:
    """As the query says it: `-created`."""
    return f"{'-' if order.descends else ''}{order.by}"


def written(order: Order, place: Position) -> str:
    """A place as a cursor, which is good for lists in this order only."""
    value = place.value
    plain = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([sort_of(order), plain, place.seq, place.before])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(order: Order, cursor: str) -> Position:
    """The place that a cursor names.

    Raises:
        BadInput: `bad-query`, it was not made by `written` for this order.
    """
    try:
        padded = cursor[:4000].encode("ascii") + b"=" * (-len(cursor) % 4)
        sort, plain, seq, before = json.loads(urlsafe_b64decode(padded))
        value = datetime.fromisoformat(plain) if order.by == "created" else plain
        kind: Any = {"created": datetime, "duration": float}.get(order.by, str)
        if sort != sort_of(order) or not isinstance(value, kind) or not 0 <= seq < 2**62:
            raise ValueError
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError
            value = value.astimezone(timezone.utc)
        if "\0" in str(value).encode().decode():  # nor what UTF-8 cannot hold
            raise ValueError
        return Position(value, int(seq), before is True)
    except (ValueError, TypeError, OverflowError, RecursionError):
        message = "`cursor` is no address of a page of this list; begin with the first page."
        raise BadInput("bad-query", message) from None


def period(text: str) -> tuple[datetime | None, datetime | None]:
    """The moments of `a/b`, `../b`, `a/..` or of one moment: from, and up to but not with.

    An end counts whole: a day up to its last moment.

    Raises:
        BadInput: `bad-query`.
    """
    begin, slash, end = text.strip().partition("/")
    if not slash:
        end = begin
    try:
        since = None if begin in ("", "..") else _moments(begin)[0]
        before = None if end in ("", "..") else _moments(end)[1]
        if (since is None and before is None) or (since and before and since >= before):
            raise ValueError
    except (ValueError, OverflowError):
        raise BadInput(
            "bad-query",
            "`datetime` is a moment or a period: 2026-11-22, 2026-11-22T08:00:00Z/.., "
            "2026-11-01/2026-11-30.",
        ) from None
    return since, before


def _moments(text: str) -> tuple[datetime, datetime]:
    """The first moment of what is named, and the first after it."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError
    if found["time"] is None:
        begin = datetime.fromisoformat(found["day"]).replace(tzinfo=timezone.utc)
        return begin, begin + timedelta(days=1)
    zone = (found["zone"] or "Z").replace(" ", "+")  # a plus that was not escaped
    zone = "+00:00" if zone in "Zz" else zone
    part = (found["part"] or "").ljust(7, "0") if found["part"] else ""
    begin = datetime.fromisoformat(f"{found['day']}T{found['time']}{part}{zone}")
    lasts = timedelta(microseconds=1) if part else timedelta(seconds=1)
    return begin.astimezone(timezone.utc), (begin + lasts).astimezone(timezone.utc)


def _filter(given: Given) -> Filter:
    since = before = None
    if text := _one(given, "datetime"):
        since, before = period(text)
    words = (_one(given, "q") or "")[:_LONGEST_TEXT].split()
    return Filter(
        states=tuple(dict.fromkeys(map(_state, _several(given, "status")))),
        processes=tuple(name[:255] for name in _several(given, "processID")),
        since=since,
        before=before,
        least=_seconds(given, "minDuration"),
        most=_seconds(given, "maxDuration"),
        words=tuple(words[:_MOST_WORDS]),
        pinned=_yes_or_no(given, "pinned"),
    )


def _order(given: Given) -> Order:
    text = _one(given, "sort") or sort_of(NEWEST_FIRST)
    key = text.removeprefix("-")
    for known in KEYS:
        if key == known:
            return Order(known, text.startswith("-"))
    raise BadInput("bad-query", f"`sort` can be: {', '.join(KEYS)}; with “-” from the other end.")


def _state(text: str) -> RunState:
    try:
        return RunState(text)
    except ValueError:
        known = ", ".join(s.value for s in RunState)
        raise BadInput("bad-query", f"`status` can be: {known}.") from None


def _one(given: Given, name: str) -> str | None:
    """The last that is said, as with every other query; None if nothing is."""
    return (list(given.get(name, ())) or [""])[-1].strip() or None


def _several(given: Given, name: str) -> list[str]:
    """As the name several times, and as a list with commas."""
    parts = [part.strip() for text in given.get(name, ()) for part in text.split(",")]
    return [part for part in parts if part][:20]


def whole_number(text: str, name: str, least: int = 0) -> int:
    """A number of a query.

    Raises:
        BadInput: `bad-query`.
    """
    if not is_whole(text):
        raise BadInput("bad-query", f"`{name}` must be a whole number.")
    if int(text) < least:
        raise BadInput("bad-query", f"`{name}` must be at least {least}.")
    return int(text)


def is_whole(text: str, digits: int = 11) -> bool:
    """Whether this is a whole number, without a sign, of no more digits than these."""
    return text.isascii() and text.isdecimal() and len(text) <= digits


def _seconds(given: Given, name: str) -> float | None:
    text = _one(given, name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        raise BadInput("bad-query", f"`{name}` must be a number of seconds.")
    return float(text)


def _yes_or_no(given: Given, name: str) -> bool | None:
    text = _one(given, name)
    if text not in (None, "true", "false"):
        raise BadInput("bad-query", f"`{name}` can be: true, false.")
    return None if text is None else text == "true"
