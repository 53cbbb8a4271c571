"""Which fork servers live; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

_LONGEST_PAUSE = 300.0
_STEADY = 60.0
"""After so many seconds of life a death is the first one again."""


@dataclass(frozen=True)
class ForkServer:
    """The fork server of an environment whose kernels are wanted, and how it fares.

    Times are monotonic.
    """

    key: str
    used: float
    lives_since: float | None = None
    deaths: int = 0
    not_before: float = 0.0

    def born(self, now: float) -> ForkServer:
        return replace(self, lives_since=now)

    def died(self, now: float) -> ForkServer:
        """The oftener it dies, the longer until it is tried again."""
        steady = self.lives_since is not None and now - self.lives_since > _STEADY
        deaths = 1 if steady else self.deaths + 1
        pause = min(_LONGEST_PAUSE, 0.25 * 4 ** (deaths - 1))
        return replace(self, lives_since=None, deaths=deaths, not_before=now + pause)

    def ended(self) -> ForkServer:
        """We ended it."""
        return replace(self, lives_since=None)


@dataclass(frozen=True)
class Decision:
    """What is to be done now, and after how many seconds there may be more to do."""

    begin: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    again: float | None = None


def decided(servers: Iterable[ForkServer], now: float, most: int, idle: float) -> Decision:
    """The `most` environments that were used last have one, while they are used at all."""
    latest_first = sorted(servers, key=lambda server: -server.used)
    fresh = [server for server in latest_first if now - server.used < idle]
    wanted = fresh[:most]
    kept = {server.key for server in wanted}
    begin = tuple(p.key for p in wanted if p.lives_since is None and p.not_before <= now)
    moments = [p.not_before for p in wanted if p.lives_since is None and p.not_before > now]
    moments += [server.used + idle for server in wanted]
    return Decision(
        begin=begin,
        end=tuple(p.key for p in latest_first if p.key not in kept and p.lives_since is not None),
        forget=tuple(p.key for p in latest_first if p not in fresh and p.lives_since is None),
        again=max(0.05, min(moments) - now) if moments else None,
    )
