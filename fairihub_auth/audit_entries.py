"""What stands in the audit log of a change of the team files, and of a token that is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from jupyterhub import orm
from sqlalchemy import event

from fairihub_auth.token_makers import maker
from fairihub_core import clock
from fairihub_core.access import closed_for
from fairihub_core.audit import Entry, Record
from fairihub_core.logins import printable
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Member, Team

_FILES = "team files"
_TOLD_OTHERWISE = frozenset({"members"})
"""Fields of a team whose changes have entries of their own."""


def entries_of(
    before: Snapshot, after: Snapshot, *, then: date | None = None, at: datetime | None = None
) -> tuple[Entry, ...]:
    """Who is let in and who no more, whose rights changed, and which teams did.

    Nothing of the first snapshot: a hub that starts lets nobody in anew.

    Args:
        then: the day by which `before` was last looked at; a membership may have ended since.
        at: the time of the change.
    """
    if not before.number:
        return ()
    at = at or after.taken
    return tuple(_told(before, after, then or before.taken.date(), at))


def _told(before: Snapshot, after: Snapshot, then: date, at: datetime) -> Iterator[Entry]:
    for name in dict.fromkeys(t.name for s in (before, after) for t in s.directory.teams):
        old, new = before.directory.team(name), after.directory.team(name)
        if old == new and then == at.date():
            continue
        told = _Telling(name, at, after.report_of(name) or before.report_of(name))
        yield from told.team(old, new)
        yield from told.members(old, new, then)


class _Telling:
    """The entries about one team."""

    def __init__(self, name: str, at: datetime, report: FileReport | None) -> None:
        self._name, self._at, self._report = name, at, report

    def team(self, old: Team | None, new: Team | None) -> Iterator[Entry]:
        if old is None and new is not None:
            yield self._entry("teams-changed", "", f"New, with {len(new.members)} members.")
        elif old is not None and new is None:
            yield self._entry("teams-changed", "", "Gone.")
        elif old is not None and new is not None:
            changed = [
                field
                for field in Team.model_fields
                if field not in _TOLD_OTHERWISE and getattr(old, field) != getattr(new, field)
            ]
            if changed:
                yield self._entry("teams-changed", "", f"Other than before: {', '.join(changed)}.")

    def members(self, old: Team | None, new: Team | None, then: date) -> Iterator[Entry]:
        was, now = _let_in(old, then), _let_in(new, self._at.date())
        for login in [*was, *(login for login in now if login not in was)]:
            if login not in now:
                yield self._entry("removed", login, self._why_gone(login, new))
            elif login not in was:
                yield self._entry("admitted", login, _standing(now[login]))
            elif _standing(was[login]) != _standing(now[login]):
                said = f"{_standing(was[login])}; now {_standing(now[login])}"
                yield self._entry("rights-changed", login, said)

    def _why_gone(self, login: str, new: Team | None) -> str:
        if new is None:
            return "The team is gone."
        if new.member(login) is None:
            return "Listed no more."
        return closed_for(new, login, self._at.date()).message()

    def _entry(self, action: Any, login: str, said: str) -> Entry:
        place = f" {self._report.place(login or 'allowedLogins')}" if self._report else ""
        return Entry(
            at=self._at, action=action, login=login, by=_FILES, team=self._name, detail=said + place
        )


def _let_in(team: Team | None, today: date) -> dict[str, Member]:
    if team is None:
        return {}
    return {m.login: m for m in team.members if team.admits(m.login, today)}


def _standing(member: Member) -> str:
    rights = ", ".join(r for r in ("environments", "notebooks") if member.holds(r))
    until = f" until {member.expires}" if member.expires else ""
    return f"{member.role}{until}{f', curates {rights}' if rights else ''}."


def record_tokens(record: Record) -> None:
    """Records each API token that is made for a person in this process, by whichever way.

    The hub has several: its token page, its REST API (also for others), the start of a server.
    All of them end in one insert; a handler of ours would see those of its own address only. So
    none can be left out by choosing its note, the one for a person's own server is told too.
    """

    def made(_mapper: Any, _connection: Any, token: Any) -> None:
        if token.user is not None and token.client_id == "jupyterhub":
            entry = entry_of_token(token.user.name, token.note, token.scopes, token.expires_at)
            record(entry.model_copy(update={"by": printable(maker(), 80)}))

    event.listen(orm.APIToken, "after_insert", made)


def entry_of_token(
    login: str, note: str | None, scopes: list[str] | None, expires: datetime | None
) -> Entry:
    """What is told of a new token: never the token itself, not even the beginning of it."""
    until = f"until {expires:%Y-%m-%d %H:%M} UTC" if expires else "without end"
    # The note last: it is its maker's, and must not push out what counts.
    said = f"For {' '.join(scopes or ()) or 'nothing'}, {until}: “{note or ''}”"
    return Entry(at=clock.now(), action="token-made", login=login, detail=said)
