"""What the hub made of a Customer object, written into its status, and only when that is new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairihub_auth.customer_api import ApiFailure, CustomerApi
from fairihub_auth.customer_object import CustomerObject, cited
from fairihub_core.findings import Finding
from fairihub_core.logins import printable
from fairihub_core.snapshot import FileReport
from fairihub_core.teams import Team

READY = "Ready"
MAX_FINDINGS = 20
MAX_MESSAGE = 500
FIRST_BACKOFF, LAST_BACKOFF = 2.0, 300.0

Status = dict[str, Any]
Key = tuple[str, str]
"""An object for as long as it lives: its path and its uid."""

log = logging.getLogger("fairihub.teams")


@dataclass(frozen=True)
class Wanted:
    """The status that an object should have."""

    found: CustomerObject
    status: Status

    @property
    def key(self) -> Key:
        return (self.found.path, self.found.uid)


def status_of(
    found: CustomerObject, report: FileReport, team: Team | None, now: datetime
) -> Status:
    """The status of `found`, of which `report` says what became.

    A key with None is one that the status should not have.

    Args:
        team: the team in force for it, which may be an earlier state of the object.
    """
    return {
        "observedGeneration": found.generation,
        "observedResourceVersion": found.version,
        "team": team.name if team else None,
        "members": len(team.members) if team else None,
        "expires": team.expires.isoformat() if team and team.expires else None,
        "conditions": [*_of_others(found), _ready(found, report, team, now)],
        "findings": [_told(found, f) for f in _worst(report.findings)[:MAX_FINDINGS]],
    }


def _ready(found: CustomerObject, report: FileReport, team: Team | None, now: datetime) -> Status:
    ready = report.ok and team is not None
    before = _condition(found.status)
    same = before.get("status") == str(ready) and isinstance(before.get("lastTransitionTime"), str)
    return {
        "type": READY,
        "status": str(ready),
        "reason": "InForce" if ready else "LastGoodKept" if team else "Refused",
        "message": _said(found, report, team),
        "observedGeneration": found.generation,
        "lastTransitionTime": before["lastTransitionTime"] if same else f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }


def _said(found: CustomerObject, report: FileReport, team: Team | None) -> str:
    if report.ok and team is not None:
        return (
            f"Team “{team.name}” is in force with {len(team.members)} logins "
            f"and {len(team.profiles)} profiles."
        )
    worst = next(iter(_worst(report.findings)), None)
    what = printable(_bare(found, worst.message), MAX_MESSAGE) if worst else "It says no team."
    kept = f" Team “{team.name}” stays as it was last in order." if team else ""
    return f"{what}{kept}"


def _worst(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: ("error", "warning", "info").index(f.severity))


def _told(found: CustomerObject, finding: Finding) -> Status:
    told = {
        "severity": finding.severity,
        "code": finding.code,
        "message": printable(_bare(found, finding.message), MAX_MESSAGE),
        "object": found.path,
        "resourceVersion": found.version,
    }
    return told | ({"understood": printable(finding.understood)} if finding.understood else {})


def _bare(found: CustomerObject, message: str) -> str:
    """Without the object and version that stand beside it."""
    return message.removeprefix(cited(found)).removeprefix(cited(found).removesuffix(": ") + ", ")


def _condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((c for c in _conditions(status) if c.get("type") == READY), {})


def _of_others(found: CustomerObject) -> list[Any]:
    return [c for c in _conditions(found.status) if c.get("type") != READY]


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = status.get("conditions")
    return [c for c in given if isinstance(c, dict)] if isinstance(given, list) else []


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether they say the same; when it began to be so does not count."""

    def core(status: Mapping[str, Any]) -> Status:
        kept = {k: v for k, v in status.items() if v is not None and k != "conditions"}
        ready = {k: v for k, v in _condition(status).items() if k != "lastTransitionTime"}
        return {"findings": [], **kept, "ready": ready}

    return core(one) == core(other)


class StatusWriter:
    """Writes what is wanted, once; belongs to one event loop.

    It never answers to what others write: two hubs on one cluster would go on for ever.

    Args:
        backoff: seconds until what failed is tried again, doubled each time.
    """

    def __init__(self, backoff: float = FIRST_BACKOFF) -> None:
        self._first_backoff = backoff
        self._done: dict[Key, Status] = {}
        self._pending: dict[Key, Wanted] = {}
        self._woken = asyncio.Event()
        self._failed = ""

    def want(self, wanted: Iterable[Wanted]) -> None:
        """From now on these are the objects there are, and the status that each should have."""
        given = {w.key: w for w in wanted}
        self._done = {key: status for key, status in self._done.items() if key in given}
        self._pending = {
            key: w
            for key, w in given.items()
            if not alike(w.status, self._done.get(key, w.found.status))
        }
        if self._pending:
            self._woken.set()

    async def run(self, api: CustomerApi) -> None:
        """Writes by this connection until it is cancelled."""
        backoff = self._first_backoff
        while True:
            if not self._pending:
                self._woken.clear()
                await self._woken.wait()
            if await self._write_all(api):
                backoff = self._first_backoff
            else:
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, LAST_BACKOFF)

    async def _write_all(self, api: CustomerApi) -> bool:
        """Whether nothing is left that should be tried again."""
        for key, wanted in list(self._pending.items()):
            found = wanted.found
            try:
                await api.write_status(found.namespace, found.name, found.uid, wanted.status)
            except ApiFailure as failure:
                if not self._given_up(failure, wanted):
                    return False
            except Exception as defect:  # the teams are followed all the same
                if repr(defect) != self._failed:
                    log.exception("The status of %s could not be written", found.path)
                self._failed = repr(defect)
                return False
            else:
                self._failed = ""
            self._done[key] = wanted.status
            if self._pending.get(key) is wanted:
                del self._pending[key]
        return True

    def _given_up(self, failure: ApiFailure, wanted: Wanted) -> bool:
        """Logs what failed, once; whether trying again would be in vain."""
        if str(failure) != self._failed:
            log.warning("The status of %s is not written: %s", wanted.found.path, failure)
        self._failed = str(failure)
        # The object is gone, is another one by now, or its definition refuses what the hub says.
        return failure.status in (404, 409, 422)
