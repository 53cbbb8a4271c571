"""How a service tells the hub what belongs into its audit log."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

from fairihub_core.audit import Entry
from fairihub_core.outbox import BOUND, Outbox, Undeliverable

_TIMEOUT = 10.0
_REFUSED_FOR_GOOD = frozenset({400, 413, 422})


class AuditReporter:
    """Entries on their way to the hub; kept for as long as it is away, up to a bound.

    Args:
        url: the hub's audit address (`…/hub/api/fairihub/audit`).
        token: a service token that holds `custom:fairihub:audit`.
    """

    def __init__(self, url: str, token: str, *, bound: int = BOUND) -> None:
        self._url = url
        self._token = token
        self._outbox = Outbox("audit log of the hub", self._post, bound=bound)

    def record(self, entry: Entry) -> None:
        """Takes the entry and returns at once."""
        self._outbox.put(entry)

    def close(self, limit: float = 5.0) -> bool:
        """Whether the hub has heard of everything, within `limit` seconds."""
        return self._outbox.close(limit)

    def _post(self, entries: Sequence[Entry]) -> None:
        request = urllib.request.Request(  # noqa: S310 - the address is the hub's own
            self._url,
            data=json.dumps({"entries": [e.model_dump(mode="json") for e in entries]}).encode(),
            headers={
                "Authorization": f"token {self._token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                answer.read(1024)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _REFUSED_FOR_GOOD:
                    raise Undeliverable(f"the hub answers {error.code}") from None
                raise OSError(f"the hub answers {error.code}") from None
