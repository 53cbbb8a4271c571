"""What many operations have in common in the OpenAPI document: parameters, headers and errors."""

from __future__ import annotations

from typing import Any

from fairihub_headless.models import RunState
from fairihub_headless.web.asked import KEYS, LIMIT, MOST
from fairihub_headless.web.routing import Operation, Route

REFERENCE = "#/components/schemas/{model}"
JSON, HTML, PROBLEM = "application/json", "text/html", "application/problem+json"
TEXT = {"type": "string"}
_LASTED = "Seconds that a run took, or has taken until now."
_WHOLE = {"type": "integer", "minimum": 0}

_IN_QUERY: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "processes.limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    "cursor": {"type": "string", "description": "Of a link `next` or `prev`: where a page begins."},
    "status": {
        "type": "array",
        "items": {"type": "string", "enum": [s.value for s in RunState]},
        "description": "Runs that stand so; several with commas, or by the name again.",
    },
    "type": {"type": "string", "enum": ["process"], "description": "All jobs are of processes."},
    "processID": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Runs of these processes.",
    },
    "q": {
        "type": "string",
        "maxLength": 200,
        "description": "Runs in whose notebook's name or title, or in why they failed, all these "
        "words are.",
    },
    "datetime": {
        "type": "string",
        "description": "Runs that were asked for then: a moment, or a period such as "
        "`2026-11-01/2026-11-30` or `2026-11-22T08:00:00Z/..`.",
    },
    "minDuration": {"type": "number", "minimum": 0, "description": _LASTED},
    "maxDuration": {"type": "number", "minimum": 0, "description": _LASTED},
    "pinned": {"type": "boolean", "description": "Runs that are kept whatever their age, or not."},
    "sort": {
        "type": "string",
        "enum": [sign + key for key in KEYS for sign in ("", "-")],
        "default": "-created",
    },
    "team": {
        "type": "string",
        "description": "Runs of this team: all of them for its admins, else only your own. "
        "`*` means all teams that you look after.",
    },
    "owner": {"type": "string", "description": "Runs of this member, as far as you see them."},
    "tail": {
        **_WHOLE,
        "description": "So many lines at the end of the log. The header `Fairihub-Log-Range` of "
        "the answer says which bytes they are: start-end/size.",
    },
    "files.limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10_000},
    "log.offset": {**_WHOLE, "description": "From this byte on."},
    "log.limit": {**_WHOLE, "description": "So many bytes at most."},
    "last_event_id": {
        **_WHOLE,
        "description": "The id of the last event that was received; as the header `Last-Event-ID`. "
        "Output goes on from there.",
    },
    "code": {"type": "string", "enum": ["show", "hide"], "default": "show"},
    "if": {
        "type": "string",
        "enum": ["running"],
        "description": "Only if it has not ended: what it brought meanwhile stays.",
    },
    "f": {"type": "string", "enum": ["json", "html"], "description": "In place of `Accept`."},
}
_IN_HEADER: dict[str, tuple[dict[str, Any], str]] = {
    "Prefer": (
        TEXT,
        "RFC 7240: `respond-async`, or `wait=N` for seconds that you wait for the results.",
    ),
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": 255},
        "A text of your own: a second request with it is answered with the same job, also if that "
        "failed, for as long as the job is known.",
    ),
    "Range": (TEXT, "`bytes=START-END`: only this part."),
    "Last-Event-ID": (TEXT, "The id of the last event that was received."),
}
_ANSWERED: dict[str, str] = {
    "Location": "The address of the job.",
    "Preference-Applied": "What of `Prefer` was followed.",
    "Idempotent-Replayed": "`true`: an earlier request with this key began the job.",
    "Link": 'The job (`rel=monitor`); outputs that are given by reference (`rel="item"`).',
    "Content-Range": "Which part this is.",
    "Accept-Ranges": "`bytes`.",
    "Retry-After": "Seconds to wait.",
}
_ERRORS: dict[int, str] = {
    400: "The request says something that cannot be meant.",
    401: "Nobody is known to ask.",
    403: "You may not, or your token may not.",
    404: "There is no such thing for you.",
    406: "`Accept` names no form in which this is given.",
    409: "It is there already, or has moved on.",
    410: "It was cancelled (`dismissed`), or deleted to make room.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "There is no such part.",
    422: "It cannot be executed, or its run failed; `code` says why.",
    429: "Too many, or too fast.",
    500: "Its run failed through no fault of its own, or something is wrong in the service.",
    503: "A part of the hub is away for now.",
}


def parameters(route: Route, operation: Operation, processes: list[str]) -> list[dict[str, Any]]:
    """What stands in the path, in the query and in headers."""
    of_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {**TEXT, "enum": processes} if name == "processID" else TEXT,
        }
        for name in route.names
    ]
    # What stands before a dot tells a parameter from another of its name.
    of_query = [
        {"name": name.rpartition(".")[2], "in": "query", "schema": _IN_QUERY[name]}
        for name in operation.query
    ]
    of_header = [
        {"name": name, "in": "header", "schema": schema, "description": words}
        for name, (schema, words) in ((name, _IN_HEADER[name]) for name in operation.hears)
    ]
    return [*of_path, *of_query, *of_header]


def headers(names: tuple[str, ...]) -> dict[str, Any]:
    """The headers of an answer, if it has some of its own."""
    told = {name: {"schema": TEXT, "description": _ANSWERED[name]} for name in names}
    return {"headers": told} if told else {}


def errors(route: Route, operation: Operation) -> dict[str, Any]:
    """The error answers of an operation, by status."""
    return {
        **{str(status): _error(status, operation) for status in _statuses(route, operation)},
        "default": {"description": "What went wrong.", "content": _exception(operation)},
    }


def _statuses(route: Route, operation: Operation) -> list[int]:
    found = {401, 403, 503, *operation.refuses}
    found |= {404} if route.names else set()
    found |= {400} if operation.query or operation.takes else set()
    found |= {406} if operation.method == "GET" and "f" in operation.query else set()
    found |= {413, 415, 422, 429} if operation.takes else set()
    return sorted(found)


def _error(status: int, operation: Operation) -> dict[str, Any]:
    more = headers(("Retry-After",)) if status == 429 else {}
    return {"description": _ERRORS[status], **more, "content": _exception(operation)}


def _exception(operation: Operation) -> dict[str, Any]:
    schema = {"schema": {"$ref": REFERENCE.format(model="OgcException")}}
    as_page = operation.method == "GET" or "f" in operation.query
    pages = {HTML: {"schema": TEXT}} if as_page else {}
    return {JSON: schema, PROBLEM: schema, **pages}
