"""What stands in the audit log of a change of the teams, and of a token that is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from jupyterhub import orm
from sqlalchemy import event
from sqlalchemy.orm import Session, object_session

from fairihub_auth.server_tokens import hold_until_started, tell_when_due
from fairihub_auth.token_makers import maker
from fairihub_core import clock
from fairihub_core.access import closed_for
from fairihub_core.audit import Action, Entry, Record
from fairihub_core.logins import printable
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Member, Team

_FILES = "team files"
_HUB = "fairihub"
_AT_PROVIDER = {"gone": ("is gone", "are gone"), "new": ("is new", "are new")}
_IN_FILE = {"gone": ("counts no more", "count no more"), "new": ("counts now", "count now")}
"""What becomes of a claim, by who made it so."""
_TOLD_OTHERWISE = frozenset({"members"})
"""Fields of a team whose changes have entries of their own."""


@dataclass(frozen=True)
class Known:
    """What the entries tell beside the team files, of hub names."""

    provider: str = "provider"
    """What people call the one whose claims count."""
    written: Callable[[str], str] = str
    """The login that team files write."""
    has_account: Callable[[str], bool] = lambda name: True


def entries_of(
    before: Snapshot,
    after: Snapshot,
    *,
    then: date | None = None,
    at: datetime | None = None,
    known: Known | None = None,
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
    return tuple(_told(before, after, then or before.taken.date(), at, known or Known()))


def _told(
    before: Snapshot, after: Snapshot, then: date, at: datetime, known: Known
) -> Iterator[Entry]:
    for name in dict.fromkeys(t.name for s in (before, after) for t in s.directory.teams):
        old, new = before.directory.team(name), after.directory.team(name)
        if old == new and then == at.date():
            continue
        told = _Telling(name, old, new, after.report_of(name) or before.report_of(name), at, known)
        yield from told.team()
        yield from told.members(then)


@dataclass(frozen=True)
class _Telling:
    """The entries about one team."""

    name: str
    old: Team | None
    new: Team | None
    report: FileReport | None
    at: datetime
    known: Known

    def team(self) -> Iterator[Entry]:
        if self.old is None and self.new is not None:
            yield self._of_file("teams-changed", "", f"New, with {len(self.new.members)} members.")
        elif self.new is None:
            yield self._of_file("teams-changed", "", "Gone.")
        elif self.old is not None:
            changed = [
                field
                for field in Team.model_fields
                if field not in _TOLD_OTHERWISE
                and getattr(self.old, field) != getattr(self.new, field)
            ]
            if changed:
                said = f"Other than before: {', '.join(changed)}."
                yield self._of_file("teams-changed", "", said)

    def members(self, then: date) -> Iterator[Entry]:
        was, now = _let_in(self.old, then), _let_in(self.new, self.at.date())
        for login in [*was, *(login for login in now if login not in was)]:
            if login not in now:
                yield self._removed(was[login])
            elif login not in was:
                yield self._admitted(now[login])
            elif _standing(was[login]) != _standing(now[login]):
                yield self._changed(was[login], now[login])

    def _removed(self, member: Member) -> Entry:
        action: Action = "removed"
        login = member.login
        if self.new is None:
            return self._of_file(action, login, "The team is gone.")
        if self.new.member(login) is not None:
            closed = closed_for(self.new, login, self.at.date())
            return self._of_file(action, login, closed.message())
        if member.claims and not self.known.has_account(login):
            return self._entry(action, login, _HUB, "The account is forgotten here.")
        if member.claims:
            return self._of_claims(action, login, "", member.claims, ())
        if self.report is not None and login in self.report.lines:
            said = "Its account has another name here, or is not the one that the file means."
            return self._of_file(action, login, said)
        return self._of_file(action, login, "Listed no more.")

    def _admitted(self, member: Member) -> Entry:
        login, said = member.login, f"{_standing(member)}."
        if member.claims and not self._lists(login):
            return self._of_claims("admitted", login, said, (), member.claims)
        return self._of_file("admitted", login, said)

    def _changed(self, was: Member, now: Member) -> Entry:
        login, said = now.login, f"{_standing(was)}; now {_standing(now)}."
        if was.claims != now.claims:
            return self._of_claims("rights-changed", login, said, was.claims, now.claims)
        return self._of_file("rights-changed", login, said)

    def _lists(self, login: str) -> bool:
        return self.report is None or self.known.written(login) in self.report.lines

    def _of_claims(
        self, action: Action, login: str, said: str, was: Sequence[str], now: Sequence[str]
    ) -> Entry:
        """By the provider, unless the file has begun or ceased to allow claims."""
        teams = (self.old, self.new)
        by_file = not all(team is not None and team.allow_claims for team in teams)
        words = _IN_FILE if by_file else _AT_PROVIDER
        parts = (
            said,
            _of_values([value for value in was if value not in now], words["gone"]),
            _of_values([value for value in now if value not in was], words["new"]),
        )
        by = _FILES if by_file else self.known.provider
        return self._entry(action, login, by, " ".join(filter(None, parts)), "allowClaims")

    def _of_file(self, action: Action, login: str, said: str) -> Entry:
        what = self.known.written(login) if login else "allowedLogins"
        return self._entry(action, login, _FILES, said, what)

    def _entry(self, action: Action, login: str, by: str, said: str, what: str = "") -> Entry:
        place = f" {self.report.place(what)}" if self.report and what else ""
        return Entry(
            at=self.at, action=action, login=login, by=by, team=self.name, detail=said + place
        )


def _of_values(values: Sequence[str], words: tuple[str, str]) -> str:
    """What has become of some values of a claim; `words` for one, and for several."""
    if not values:
        return ""
    named = ", ".join(f"“{value}”" for value in values)
    return f"The claim{'s' if len(values) > 1 else ''} {named} {words[len(values) > 1]}."


def _let_in(team: Team | None, today: date) -> dict[str, Member]:
    if team is None:
        return {}
    return {m.login: m for m in team.members if team.admits(m.login, today)}


def _standing(member: Member) -> str:
    rights = ", ".join(r for r in ("environments", "notebooks") if member.holds(r))
    until = f" until {member.expires}" if member.expires else ""
    return f"{member.role}{until}{f', curates {rights}' if rights else ''}"


def record_tokens(record: Record) -> None:
    """Records each API token that is made for a person in this process, by whichever way.

    The hub has several: its token page, its REST API (also for others), the start of a server.
    All of them end in one insert; a handler of ours would see those of its own address only. So
    none can be left out by choosing its note, the one for a person's own server is told too, once
    the server is given it.

    JupyterHub inserts a token before it looks at the time that it is wanted for, and takes it
    back if it cannot have that: what is not kept was never made.
    """
    waiting: WeakKeyDictionary[Session, list[_Made]] = WeakKeyDictionary()

    def made(_mapper: Any, _connection: Any, token: Any) -> None:
        session = object_session(token)
        if session is not None and token.user is not None and token.client_id == "jupyterhub":
            by = printable(maker(), 80) or _HUB
            waiting.setdefault(session, []).append(_Made(token, token.user.name, by))

    def tell(entry: Entry) -> None:
        record(entry.model_copy(update={"at": clock.now()}))

    def kept(session: Session) -> None:
        for new in waiting.pop(session, ()):
            token = new.token
            entry = entry_of_token(new.login, token.note, token.scopes, token.expires_at)
            tell_when_due(partial(tell, entry.model_copy(update={"by": new.by})))

    hold_until_started()
    event.listen(orm.APIToken, "after_insert", made)
    event.listen(Session, "after_commit", kept)
    event.listen(Session, "after_rollback", lambda session: waiting.pop(session, None))


@dataclass(frozen=True)
class _Made:
    """A token that is inserted, and not kept yet."""

    token: Any
    login: str
    by: str


def entry_of_token(
    login: str, note: str | None, scopes: list[str] | None, expires: datetime | None
) -> Entry:
    """What is told of a new token: never the token itself, not even the beginning of it."""
    until = f"until {expires:%Y-%m-%d %H:%M} UTC" if expires else "without end"
    # The note last: it is its maker's, and must not push out what counts.
    said = f"For {' '.join(scopes or ()) or 'nothing'}, {until}: “{note or ''}”"
    return Entry(at=clock.now(), action="token-made", login=login, detail=said)
