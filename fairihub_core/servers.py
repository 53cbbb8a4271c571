"""What the hub's spawner tells of a server: what it is doing, since when, and for which profile."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Any, Literal

from fairihub_core.audit import Entry
from fairihub_core.offers import parted
from fairihub_core.teams import Frozen

ServerState = Literal["stopped", "starting", "running", "stopping"]


class ServerLog(Frozen):
    """The last lines that a server wrote, cleaned."""

    lines: tuple[str, ...]
    whole: bool
    """Whether these are all, as far as they are kept."""


def keeps_log(spawner: Any) -> bool:
    """Whether what a server writes can be read: its spawner has `log_lines(lines) -> ServerLog`."""
    return hasattr(spawner, "log_lines")


def state_of(spawner: Any) -> ServerState:
    """What the hub is doing with a server."""
    if spawner.pending == "stop":
        return "stopping"
    if spawner.pending in ("spawn", "check"):
        return "starting"  # or a new hub is about to say whether it runs
    return "running" if spawner.ready else "stopped"


def last_choice(spawner: Any) -> str | None:
    """The `team.slug` that a server was started with last."""
    choice = (spawner.orm_spawner.user_options or {}).get("profile")
    return choice if isinstance(choice, str) else None


def ended_by_hub(login: str, choice: str, why: str, at: datetime) -> Entry:
    """For the audit log: the hub has ended a server, which had the profile `choice`."""
    return Entry(
        at=at,
        action="server-stopped",
        login=login,
        by="fairihub",
        team=parted(choice)[0],
        detail=f"{choice}: {why}",
    )


def note_cancelled(spawner: Any) -> None:
    """Notes that somebody asks for the end of what the server does, before a start is cancelled.

    A hub that ends cancels starts, too, and says something else of them.
    """
    spawner.cancelled_by_somebody = True


def cancel_start(spawner: Any) -> asyncio.Future[Any] | None:
    """Cancels a start because somebody asks for it; what is cancelled, if it has begun."""
    note_cancelled(spawner)
    starting: asyncio.Future[Any] | None = spawner._spawn_future
    if starting is not None:
        starting.cancel()
    return starting


def was_cancelled(spawner: Any) -> bool:
    """Whether somebody asked for the end of the last start, of any kind of spawner."""
    return bool(getattr(spawner, "cancelled_by_somebody", False))


def started_at(spawner: Any) -> datetime | None:
    return _aware(spawner.orm_spawner.started)


def last_active_at(spawner: Any) -> datetime | None:
    return _aware(spawner.orm_spawner.last_activity)


def _aware(time: datetime | None) -> datetime | None:
    """The hub's database keeps UTC without saying so."""
    return None if time is None else time.replace(tzinfo=timezone.utc)
