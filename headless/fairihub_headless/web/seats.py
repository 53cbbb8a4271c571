"""How many of something each member has at a moment: a bound, so that nobody takes them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from fairihub_core.errors import TooMany


class Seats:
    """How many each member has: streams, archives or reports."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many members have any."""
        return len(self._taken)

    @contextmanager
    def taken(self, login: str, most: int, refusal: TooMany) -> Iterator[None]:
        """One more, for as long as the block lasts.

        Raises:
            TooMany: the `refusal`, if they have the most already.
        """
        if self._taken[login] >= most:
            raise refusal
        self._taken[login] += 1
        try:
            yield
        finally:
            self._taken[login] -= 1
            if not self._taken[login]:
                del self._taken[login]
