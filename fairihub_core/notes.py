"""The notebook in which a reader writes its findings, each at the value that caused it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Protocol

from fairihub_core.findings import Finding, Severity


class Place(Protocol):
    """Something that stands at a line and a column of the file."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


MAX_NOTED = 200
"""Findings of one file. Whoever mends these reads it again; whoever wrote more did not mean it."""


class Notes:
    """Findings in the order of reading, up to a number that somebody might still read."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._refused = False
        self.lines: dict[str, int] = {}
        """Where what decides about access stands, by `mark`."""

    def mark(self, what: str, at: Place) -> None:
        """Remembers the line at which `what` stands, for those who ask why somebody is refused."""
        self.lines.setdefault(what, at.line)

    def error(self, at: Place | None, code: str, message: str) -> None:
        """Something that leaves open who may come in or how much they get: no team of it."""
        self._add(at, "error", code, message, None)

    def warning(
        self, at: Place | None, code: str, message: str, understood: str | None = None
    ) -> None:
        """Something repaired or left aside."""
        self._add(at, "warning", code, message, understood)

    def info(
        self, at: Place | None, code: str, message: str, understood: str | None = None
    ) -> None:
        """Something worth knowing."""
        self._add(at, "info", code, message, understood)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(sorted(self._findings, key=lambda f: (f.line, f.column)))

    @property
    def refused(self) -> bool:
        return self._refused

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """The hint of `nearest`; none any more where nobody would read it, as it takes its time."""
        return "" if self._full else nearest(word, known)

    @property
    def _full(self) -> bool:
        return len(self._findings) >= MAX_NOTED

    def _add(
        self, at: Place | None, severity: Severity, code: str, message: str, understood: str | None
    ) -> None:
        first_error = severity == "error" and not self._refused
        self._refused = self._refused or first_error
        if self._full and not first_error:
            return
        line, column = (at.line, at.column) if at is not None else (0, 0)
        self._findings.append(
            Finding(
                line=line,
                column=column,
                severity=severity,
                code=code,
                message=message,
                understood=understood,
            )
        )


def nearest(word: str, known: Iterable[str]) -> str:
    """“ Did you mean …?” for a misspelt key, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.75)
    return f" Did you mean “{close[0]}”?" if close else ""
