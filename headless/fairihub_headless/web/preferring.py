"""What a request prefers of its answer: the header `Prefer` (RFC 7240), and how long we wait."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fairihub_headless.processes.asking import Mode
from fairihub_headless.processes.model import Process

_PREFERENCE = re.compile(
    r'\s*(?P<name>[!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s,;"]*))?'
    r'(?:\s*;(?:"(?:[^"\\]|\\.)*"|[^",])*)?\s*(?:,|$)'
)
_SECONDS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Preference:
    """How a client wants to be answered."""

    respond_async: bool = False
    wait: int | None = None
    """Seconds that it is willing to wait for the results."""


def preference_of(headers: Iterable[str]) -> Preference:
    """What the headers `Prefer` say, of which there may be several; the rest is ignored.

    Of what is said twice the first counts, as the RFC has it.
    """
    said: dict[str, str] = {}
    for header in headers:
        for found in _PREFERENCE.finditer(header):
            value = (found["value"] or "").strip('"')
            said.setdefault(found["name"].lower(), value)
    wait = said.get("wait", "")
    return Preference("respond-async" in said, int(wait) if _SECONDS.fullmatch(wait) else None)


def seconds_to_wait(process: Process, preference: Preference, mode: Mode, longest: float) -> float:
    """How long the request is kept waiting for results before it is told of a job.

    A process that only runs asynchronously is waited for as well, if the request asks for that.
    """
    if preference.wait is not None:
        return min(preference.wait, longest)
    if preference.respond_async or mode == "async":
        return 0
    return longest if process.runs_synchronously or mode == "sync" else 0


def applied(preference: Preference, waited: float, *, finished: bool) -> str | None:
    """What of the preferences was followed, for `Preference-Applied`."""
    parts = []
    if preference.respond_async and not finished:
        parts.append("respond-async")
    if preference.wait is not None:
        parts.append(f"wait={int(waited)}")
    return ", ".join(parts) or None
