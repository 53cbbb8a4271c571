"""Which waiting runs start next: fair between members, within the limits; knows no clock.

The member who uses the least goes first, and among equals the one who waits for the longest; of a
member's own runs the most urgent, then the oldest. A member with a thousand waiting runs delays
others by one of them, not by a thousand. A step costs the logarithm of what waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from fairihub_headless.engine.retrying import LONGEST_PAUSE
from fairihub_headless.models import Waiting

_LONGEST = 1.25 * LONGEST_PAUSE
"""What chance can make of the longest pause."""


@dataclass(frozen=True)
class Slots:
    """How many runs may be executed at once."""

    in_all: int
    per_member: int
    per_team: int | None = None


class _Turn(NamedTuple):
    """How soon it is the turn of a member's next run for one team; the least is the next."""

    used: int
    oldest: int
    owner: str
    rank: int
    seq: int
    id: str


class Queue:
    """The runs that wait, and how much each member and team uses."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self._waiting: dict[str, Waiting] = {}
        self._taken: dict[str, Waiting] = {}
        self._used_by: Counter[str] = Counter()
        self._used_for: Counter[str] = Counter()
        self._of: dict[str, _Member] = {}
        self._turns: dict[str, list[_Turn]] = {}
        """For each team, soonest first; what `_turn` does not know is out of date."""
        self._turn: dict[tuple[str, str], _Turn] = {}

    def pairs(self) -> set[tuple[str, str]]:
        """Members and the teams for which they have runs here, or lately had."""
        return {(owner, team) for owner, member in self._of.items() for team in member.teams}

    def put(self, run: Waiting) -> None:
        """Lets a run wait; told twice, it waits once."""
        if run.id in self._waiting or run.id in self._taken:
            return
        self._waiting[run.id] = run
        self._of.setdefault(run.owner, _Member()).put(run)
        self._line_up(run.owner)

    def drop(self, run_id: str) -> None:
        """The run does not wait any more."""
        self._waiting.pop(run_id, None)

    def keep(self, runs: Mapping[str, Waiting]) -> None:
        """Exactly these wait, for all that is known of others."""
        for run_id in self._waiting.keys() - runs.keys():
            self.drop(run_id)
        for run in runs.values():
            self.put(run)

    def over(self, run_id: str) -> None:
        """A run that was taken uses nothing any more."""
        run = self._taken.pop(run_id, None)
        if run is not None:
            self._used_by[run.owner] -= 1
            self._used_for[run.team] -= 1
            self._line_up(run.owner)

    def take(self) -> list[Waiting]:
        """The runs to start now; they count as executed until they are over."""
        taken: list[Waiting] = []
        while len(self._taken) < self.slots.in_all and (team := self._next_team()) is not None:
            turn = heappop(self._turns[team])
            del self._turn[turn.owner, team]
            if self._used_by[turn.owner] >= self.slots.per_member:
                continue  # until one of theirs is over
            if turn not in self._turns_of(turn.owner).values():
                self._line_up(turn.owner)
                continue
            taken.append(self._start(turn))
            self._line_up(turn.owner)
        return taken

    def _next_team(self) -> str | None:
        """The team with room whose turn it is; a full one is not looked into."""
        most = self.slots.per_team
        soonest: tuple[_Turn, str] | None = None
        for team, turns in list(self._turns.items()):
            if most is not None and self._used_for[team] >= most:
                continue
            while turns and self._turn.get((turns[0].owner, team)) != turns[0]:
                heappop(turns)
            if not turns:
                del self._turns[team]
            elif soonest is None or turns[0] < soonest[0]:
                soonest = turns[0], team
        return None if soonest is None else soonest[1]

    def _start(self, turn: _Turn) -> Waiting:
        run = self._waiting.pop(turn.id)
        self._taken[run.id] = run
        self._used_by[run.owner] += 1
        self._used_for[run.team] += 1
        return run

    def _turns_of(self, owner: str) -> dict[str, _Turn]:
        """The turns of a member as they are now, by team."""
        member = self._of.get(owner)
        if member is None:
            return {}
        oldest, heads = member.oldest(self._waiting), member.heads(self._waiting)
        return {t: _Turn(self._used_by[owner], oldest, owner, *head) for t, head in heads.items()}

    def _line_up(self, owner: str) -> None:
        """Notes the turns of a member that are not noted already."""
        turns = self._turns_of(owner)
        if not turns:
            self._of.pop(owner, None)
        for team, turn in turns.items():
            if self._turn.get((owner, team)) != turn:
                self._turn[owner, team] = turn
                heappush(self._turns.setdefault(team, []), turn)
                self._tidy(team)

    def _tidy(self, team: str) -> None:
        """Forgets what is out of date when that is most of what is noted."""
        turns = self._turns[team]
        if len(turns) > 64 + 4 * len(self._turn):
            turns[:] = [turn for (_, of), turn in self._turn.items() if of == team]
            heapify(turns)


class _Member:
    """The waiting runs of one member; those that wait no more are left out when they come up."""

    def __init__(self) -> None:
        self._ages: list[tuple[int, str]] = []
        self.teams: dict[str, list[tuple[int, int, str]]] = {}

    def put(self, run: Waiting) -> None:
        heappush(self._ages, (run.seq, run.id))
        heappush(self.teams.setdefault(run.team, []), (run.rank, run.seq, run.id))

    def oldest(self, waiting: Mapping[str, Waiting]) -> int:
        while self._ages and self._ages[0][1] not in waiting:
            heappop(self._ages)
        return self._ages[0][0] if self._ages else 0

    def heads(self, waiting: Mapping[str, Waiting]) -> dict[str, tuple[int, int, str]]:
        """Of each team the run that goes first."""
        for team, runs in list(self.teams.items()):
            while runs and runs[0][2] not in waiting:
                heappop(runs)
            if not runs:
                del self.teams[team]
        return {team: runs[0] for team, runs in self.teams.items()}


class Pauses:
    """Which waiting runs may begin by now, measured by a clock that nobody sets.

    The times that are kept are of a wall clock, which can be wrong by hours: a pause is measured
    from when it was first seen, and is never longer than the longest.
    """

    def __init__(self) -> None:
        self._due: dict[tuple[str, datetime], float] = {}
        self._at = float("-inf")

    def falls_due(self, at: float) -> bool:
        """Whether a pause has ended since the last time."""
        return any(self._at < due <= at for due in self._due.values())

    def ready(
        self, waiting: Iterable[Waiting], now: datetime, at: float, *, whole: bool = True
    ) -> tuple[list[Waiting], float]:
        """Those whose pause is over, and the seconds until that of another is.

        Args:
            whole: whether these are all that wait, so that others are forgotten.
        """
        ready, noted = [], {} if whole else dict(self._due)
        for run in waiting:
            if run.not_before is not None:
                key = run.id, run.not_before
                left = min(max(0.0, (run.not_before - now).total_seconds()), _LONGEST)
                noted[key] = due = self._due.get(key, at + left)
                if due > at:
                    continue
            ready.append(run)
        self._due, self._at = noted, at
        return ready, min([due - at for due in noted.values() if due > at], default=float("inf"))
