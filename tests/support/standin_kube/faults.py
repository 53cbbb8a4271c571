"""How an answer of the stand-in goes wrong, and in which answers it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def status(code: int, reason: str, message: str) -> dict[str, Any]:
    """The `Status` that Kubernetes gives with a refusal."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


@dataclass(frozen=True)
class Refusal:
    """An HTTP status with the body that Kubernetes gives with it."""

    code: int = 500
    reason: str = "InternalError"
    message: str = "an error on the server has prevented the request from succeeding"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Garbage:
    """An answer that is none of Kubernetes, as a proxy in between gives."""

    body: bytes = b"<html>a proxy</html>"
    content_type: str = "text/html"
    code: int = 200


@dataclass(frozen=True)
class Empty:
    """A list or stream without any object, as if there were none."""


@dataclass(frozen=True)
class Hang:
    """No answer until `StandinKube.release`."""


@dataclass(frozen=True)
class Slow:
    """The right answer, later."""

    seconds: float


@dataclass(frozen=True)
class Lost:
    """What is asked is done, and the connection breaks before anybody is told."""


Fault = Refusal | Garbage | Empty | Hang | Slow | Lost


def gone() -> Refusal:
    return Refusal(410, "Expired", "too old resource version: 1 (2)")


def too_many(retry_after: float | str = 1) -> Refusal:
    said = "too many requests, please try again later"
    return Refusal(429, "TooManyRequests", said, {"Retry-After": str(retry_after)})


def forbidden(what: str = "customers.hub.eox.at") -> Refusal:
    return Refusal(403, "Forbidden", f"{what} is forbidden: User cannot do that")


def error_event(code: int = 410) -> dict[str, Any]:
    """A line in a stream that ends it with an error."""
    reason = "Expired" if code == 410 else "InternalError"
    return {"type": "ERROR", "object": status(code, reason, "too old resource version: 1 (2)")}


@dataclass
class Planned:
    """A fault for the next `times` requests that fit."""

    fault: Fault
    verb: str | None
    resource: str | None
    times: float

    def fits(self, verb: str, resource: str) -> bool:
        return self.verb in (None, verb) and self.resource in (None, resource)


class Plan:
    """The faults to come, the eldest first."""

    def __init__(self) -> None:
        self._planned: list[Planned] = []

    def add(self, planned: Planned) -> None:
        self._planned.append(planned)

    def clear(self) -> None:
        self._planned.clear()

    def next(self, verb: str, resource: str) -> Fault | None:
        for planned in self._planned:
            if planned.fits(verb, resource):
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                return planned.fault
        return None
