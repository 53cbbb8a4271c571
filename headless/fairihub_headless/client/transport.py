"""Requests to the service: with the token, within time, and again where that is safe."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from fairihub_headless.client.errors import RunsError
from fairihub_headless.client.place import Place

Headers = Mapping[str, str]
Told = TypeVar("Told", bound=BaseModel)

_AWAY = frozenset({502, 503, 504})
_LASTING = frozenset({"no-catalogue"})
"""What waiting does not mend, although it is said with 503."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_MAX_SAID = 2**20


@dataclass(frozen=True)
class Patience:
    """How long the client waits for what."""

    timeout: float = 30.0
    """Seconds without a word of the hub until a request has failed."""
    away: float = 60.0
    """Seconds for which a hub that is away, or busy, is asked again."""
    at_first: float = 10.0
    """The same for one that has never answered: its address may be wrong."""


class Transport:
    """A connection to one service with one token."""

    def __init__(self, place: Place, patience: Patience) -> None:
        self.patience = patience
        self.service = place.service
        self._met = False
        self._client = httpx.Client(
            base_url=place.service,
            headers={
                "Authorization": f"Bearer {place.token}",
                "Accept": "application/json",
                "User-Agent": f"fairihub-client/{_version()}",
            },
            timeout=httpx.Timeout(patience.timeout, connect=min(10.0, patience.timeout)),
            # The token is for this service, and for no other place that it might name.
            follow_redirects=False,
        )

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, *, again: bool = True, **request: Any) -> httpx.Response:
        """The answer to a request.

        Args:
            again: whether it may be sent a second time, if nobody knows what became of it.

        Raises:
            RunsError: what the service refused, or `hub-unreachable`.
        """
        pauses = self.pauses()
        while True:
            try:
                answer = self._client.request(method, path, **request)
            except httpx.RequestError as problem:
                pause = next(pauses, None) if again or _not_sent(problem) else None
                if pause is None:
                    raise unreachable(self.service, problem) from None
            else:
                self._met = True
                if answer.is_success:
                    return answer
                told = said(answer)
                pause = _pause_after(answer, told, pauses) if again else None
                if pause is None:
                    raise told
            time.sleep(pause)

    def told(self, kind: type[Told], method: str, path: str, **request: Any) -> Told:
        """The answer to a request, in types.

        Raises:
            RunsError: as `ask`; `bad-answer`, it is none of the service.
        """
        answer = self.ask(method, path, **request)
        try:
            return kind.model_validate(answer.json())
        except (ValueError, RecursionError):
            message = f"What answers at {answer.url} is no runs service; is that the hub's address?"
            raise RunsError("bad-answer", message, answer.status_code) from None

    @contextmanager
    def opened(
        self, path: str, headers: Headers, silence: float | None = None
    ) -> Iterator[httpx.Response]:
        """An answer that is read as it comes, a redirection too; tried once.

        Args:
            silence: seconds without a word after which it has ended.

        Raises:
            RunsError: what the service refused, or `hub-unreachable`.
        """
        patience = self.patience.timeout
        timeout = httpx.Timeout(patience, read=silence or patience)
        try:
            with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if answer.is_error and answer.status_code != 416:
                    answer.read()
                    raise said(answer)
                yield answer
        except httpx.RequestError as problem:
            raise unreachable(self.service, problem) from None

    def pauses(self) -> Iterator[float]:
        """Growing pauses between tries, for as long as the patience lasts."""
        began, pause = time.monotonic(), _FIRST_PAUSE
        while time.monotonic() - began < self._patience():
            yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - so that not all come at once
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _patience(self) -> float:
        away = self.patience.away
        return away if self._met else min(self.patience.at_first, away)


def is_away(problem: RunsError) -> bool:
    """Whether it may pass: the hub or its service cannot be reached, or is about to start."""
    return problem.code == "hub-unreachable" or (
        problem.status in _AWAY and problem.code not in _LASTING
    )


def unreachable(service: str, problem: Exception) -> RunsError:
    why = str(problem).strip() or type(problem).__name__
    return RunsError("hub-unreachable", f"The hub at {service} does not answer: {why[:200]}.")


def said(answer: httpx.Response) -> RunsError:
    """The refusal in an answer, in the service's own words if it has some."""
    told: Any = None
    with suppress(ValueError):
        told = answer.json() if len(answer.content) < _MAX_SAID else None
    if not isinstance(told, dict) or not isinstance(told.get("code"), str):
        if answer.status_code in (301, 302, 303, 307, 308):
            message = f"{answer.url} leads elsewhere; is that the hub's address?"
            return RunsError("bad-hub-url", message, answer.status_code)
        message = f"The hub answered {answer.status_code} {answer.reason_phrase} at {answer.url}."
        return RunsError("hub-refused", message, answer.status_code)
    known = ("code", "message", "detail", "status", "type", "title")
    message = str(told.get("detail") or told.get("message") or told.get("title") or "")
    details = {name: value for name, value in told.items() if name not in known}
    return RunsError(told["code"], message, answer.status_code, details)


def _pause_after(answer: httpx.Response, told: RunsError, pauses: Iterator[float]) -> float | None:
    """How long to wait before the request is sent again; None if that would not help."""
    after = answer.headers.get("Retry-After", "")
    wanted = float(after) if after.isascii() and after.isdecimal() else None
    if not (is_away(told) or (answer.status_code == 429 and wanted is not None)):
        return None
    pause = next(pauses, None)
    return None if pause is None else max(pause, min(wanted or 0.0, 30.0))


def _not_sent(problem: httpx.RequestError) -> bool:
    return isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout)


def _version() -> str:
    try:
        return version("fairihub")
    except PackageNotFoundError:
        return "unknown"
