"""How a service follows the hub's snapshot: one thread that asks for the next number.

Only the hub reads team files. A service checks every request against the last snapshot it
heard of, and answers 503 when it has heard of none for too long.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from pydantic import ValidationError

from fairihub_core.errors import Unavailable
from fairihub_core.snapshot import Snapshot

STALE_AFTER = 60.0
"""Seconds without a word from the hub after which nobody is let in."""
LONGEST_PAUSE = 5.0
"""Seconds at most between two questions to a hub that does not answer."""
_WAIT = 20
_MAX_BYTES = 64 * 1024 * 1024

log = logging.getLogger("fairihub.follow")


class SnapshotFollower:
    """The hub's snapshot, as of a moment ago.

    Args:
        url: the hub's snapshot address (`…/hub/api/fairihub/snapshot`).
        token: a service token that holds `custom:fairihub:snapshot`.
        changed: called after each new snapshot, in the follower's thread.
    """

    def __init__(self, url: str, token: str, changed: Callable[[], None] = lambda: None) -> None:
        self._url = url
        self._token = token
        self._changed = changed
        self._snapshot: Snapshot | None = None
        self._heard = float("-inf")
        self._answers = False
        self._stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._follow, name="snapshot-follower", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def age(self) -> float:
        """Seconds since the hub last answered; infinite before the first answer."""
        return time.monotonic() - self._heard

    def current(self) -> Snapshot:
        """The last snapshot.

        Raises:
            Unavailable: `no-snapshot`, the hub has been silent for 60 s.
        """
        if self._snapshot is None or self.age() > STALE_AFTER:
            raise Unavailable(
                "no-snapshot",
                "The hub cannot be asked who belongs to which team. Try again in a minute.",
            )
        return self._snapshot

    def _follow(self) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            try:
                self._take(self._ask())
                self._answers, pause = True, 0.2
            except (OSError, http.client.HTTPException, ValidationError, ValueError) as problem:
                log.warning("no snapshot from the hub: %s", _short(problem))
                self._answers = False
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _ask(self) -> bytes | None:
        """The next snapshot as JSON, or None when nothing has changed."""
        after = -1 if self._snapshot is None else self._snapshot.number
        # While nobody can be let in, any answer counts at once; only then is a change waited for.
        wait = _WAIT if self._answers and self.age() <= STALE_AFTER else 0
        request = urllib.request.Request(  # noqa: S310 - the address is the hub's own
            f"{self._url}?after={after}&wait={wait}",
            headers={"Authorization": f"token {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=wait + 10) as answer:  # noqa: S310
                body: bytes = answer.read(_MAX_BYTES + 1)
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_MODIFIED:
                return None
            raise
        if len(body) > _MAX_BYTES:
            raise ValueError("the snapshot is too large")
        return body

    def _take(self, body: bytes | None) -> None:
        if body is not None:
            self._snapshot = Snapshot.model_validate_json(body)
        self._heard = time.monotonic()
        if body is not None:
            self._changed()


def _short(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]
