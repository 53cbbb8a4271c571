"""What a request prefers of its answer: the header `Prefer` (RFC 7240), and how long we wait."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fairihub_headless.processes.asking import Mode
from fairihub_headless.processes.model import Process

_LONGEST = 1024
"""Of what is said in all; no more is read."""
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
    for part in _parted(",".join(headers)[:_LONGEST], ","):
        name, _, value = _parted(part, ";")[0].partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = said.get("wait", "")
    return Preference("respond-async" in said, int(wait) if _SECONDS.fullmatch(wait) else None)


def _parted(text: str, mark: str) -> list[str]:
    """What is between marks that do not stand in quotes, in one pass: a pattern could backtrack."""
    parts, quoted, escaped = [""], False, False
    for character in text:
        if character == mark and not quoted:
            parts.append("")
            continue
        parts[-1] += character
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = quoted and character == "\\" and not escaped
    return parts


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
