"""What a provider said last of people, for operators: kept in memory, and little of it.

Team files and settings are made to fit what arrives; whoever mends them has to see it. Nothing is
decided by it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from fairihub_core import clock
from fairihub_core.logins import printable
from fairihub_core.people import Person

MAX_LOGINS = 1000
MAX_VALUES = 50
MAX_TEXT = 200


@dataclass(frozen=True)
class Arrived:
    """The values of the claim at the last sign-in or refresh."""

    at: datetime
    values: tuple[str, ...]
    """Those that settings name come first."""
    left_out: int = 0


class Arrivals:
    """By hub name, of those who came last. Who writes holds a lock.

    Args:
        named: the values that settings name.
    """

    def __init__(self, named: Collection[str]) -> None:
        self._named = named
        self._kept: OrderedDict[str, Arrived] = OrderedDict()
        self._bearers: OrderedDict[str, str] = OrderedDict()

    def note(self, name: str, values: Collection[str]) -> None:
        ordered = sorted(values, key=lambda value: (value not in self._named, value))
        told = tuple(printable(value, MAX_TEXT) for value in ordered[:MAX_VALUES])
        self._kept[name] = Arrived(clock.now(), told, len(ordered) - len(told))
        self._kept.move_to_end(name)
        if len(self._kept) > MAX_LOGINS:
            self._kept.popitem(last=False)

    def of(self, name: str) -> Arrived | None:
        return self._kept.get(name)

    def note_login(self, login: str, person: Person) -> None:
        """Under which login somebody came in; of those that are not theirs it is kept."""
        self._bearers.pop(login, None)
        if login not in person.logins:
            self._bearers[login] = person.name
            if len(self._bearers) > MAX_LOGINS:
                self._bearers.popitem(last=False)

    def bearer(self, login: str) -> str | None:
        """The hub name of who came in last under a login that no team file lists."""
        return self._bearers.get(login)

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)
