"""How many streams each member has open: a bound, so that nobody takes them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from fairihub_core.errors import TooMany


class Seats:
    """How many streams each member has open."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, login: str, most: int) -> Iterator[None]:
        """One more, for as long as the block lasts.

        Raises:
            TooMany: `too-many-followers`.
        """
        if self._taken[login] >= most:
            raise TooMany(
                "too-many-followers",
                f"You follow {most} runs already. Close some of these, or ask for the status.",
            )
        self._taken[login] += 1
        try:
            yield
        finally:
            self._taken[login] -= 1
            if not self._taken[login]:
                del self._taken[login]
