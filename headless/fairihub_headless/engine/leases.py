"""Which engines are dead, judged by their beats and one's own monotonic clock; pure.

Nobody's clock is compared with another's, and no wall clock is asked: an engine is dead when its
beat stands still for as long as its lease lasts while one looks on, or when its process is
provably gone. A time in which one could not look, since one was stopped or the database was away,
proves nothing; it begins anew afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fairihub_headless.models import EngineRow

BEATS_TO_FENCE = 2
"""After so many times of a beat without one, an engine ends its own runs."""
BEATS_TO_DEATH = 3
"""After so many, others take them over."""


@dataclass(frozen=True)
class Stood:
    """A beat, and since when it has stood there while one looked on."""

    beat: int
    since: float


@dataclass(frozen=True)
class BeatsSeen:
    """What one has seen of the other engines until now."""

    stood: Mapping[str, Stood] = field(default_factory=lambda: MappingProxyType({}))
    looked: float | None = None
    """The time of the last look."""

    def after_look(self, rows: Iterable[EngineRow], at: float, every: float) -> BeatsSeen:
        """What has been seen after a look that read `rows`, begun at the time `at`.

        Args:
            every: how far apart looks are at most, if nothing holds them up.
        """
        blind = self.looked is None or at - self.looked > every
        seen = {}
        for row in rows:
            before = self.stood.get(row.id)
            stands = before is not None and before.beat == row.beat and not blind
            seen[row.id] = before if stands and before else Stood(row.beat, at)
        return BeatsSeen(MappingProxyType(seen), at)

    def still(self, lease: float) -> set[str]:
        """The engines whose beat has stood still for as long as a lease."""
        if self.looked is None:
            return set()
        return {id for id, stood in self.stood.items() if self.looked - stood.since >= lease}


def dead(
    seen: BeatsSeen,
    rows: Iterable[EngineRow],
    me: EngineRow,
    lease: float,
    lives: Callable[[int, float], bool],
) -> set[str]:
    """The engines whose runs are to be taken over.

    Args:
        lives: whether there is a process of this host with that number and time of birth.
    """
    still = seen.still(lease)
    return {
        row.id
        for row in rows
        if row.id != me.id
        and (row.id in still or (row.host == me.host and not lives(row.pid, row.born)))
    }


def is_fenced(renewed: float, at: float, beat: float) -> bool:
    """Whether an engine that raised its beat last at `renewed` must end its own runs by now."""
    return at - renewed >= BEATS_TO_FENCE * beat
