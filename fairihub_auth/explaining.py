"""Why somebody comes in or not, as far as whoever asks may know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from fairihub_auth.accounts import Accounts
from fairihub_auth.arrivals import Arrived
from fairihub_auth.audit_access import Wanted
from fairihub_core.audit import Entry
from fairihub_core.errors import Refused, Unavailable
from fairihub_core.hub_callers import Caller, require_whole
from fairihub_core.logins import login_of, printable
from fairihub_core.people import Person
from fairihub_core.reasons import Explanation, Ground, explained, findings_of, rivals_of
from fairihub_core.resolution import HUB, ClaimRules, Mismatch
from fairihub_core.snapshot import NAME_TAKEN, FileReport, Snapshot
from fairihub_core.teams import TeamDirectory

Audit = Callable[[Wanted], Sequence[Entry]]
"""Blocks: the newest entries of the audit log that fit, newest first."""
_REMOVALS = 20
MAX_SAID = 300


def why(
    caller: Caller,
    login: str,
    team: str | None,
    snapshot: Snapshot,
    today: date,
    *,
    accounts: Accounts,
    audit: Audit = lambda wanted: (),
) -> Explanation:
    """Why `login` comes in or not, as far as the caller may know. Blocks if `audit` does.

    Operators learn all. An admin of teams learns what these say, as if there were no others.
    Everybody learns of themselves, without the places in team files and without numbers.

    Args:
        login: a hub name, or a login that an account has signed in with.

    Raises:
        Refused: `not-yours`.
    """
    require_whole(caller)
    asked = _Asked(login_of(login), team, today, accounts, audit)
    if caller.operates(snapshot.directory):
        return asked.told_to_operators(snapshot)
    own = {t.name for t in snapshot.directory.administered_by(caller.name, today)}
    if asked.login == caller.name and (team is None or team not in own):
        listed = {t.name for t in snapshot.directory.teams_of(caller.name)}
        told = _without_places(asked.told_to_themselves(_within(snapshot, listed)), but=own)
        return _with(told, asked.more(asked.login, _within(snapshot, own)))
    if not own:
        raise Refused("not-yours", "You can ask about yourself; of others, admins of their teams.")
    return asked.told_to_admins(_within(snapshot, own))


@dataclass(frozen=True)
class _Asked:
    """A login, maybe in regard to one team only, and what else there is to know."""

    login: str
    team: str | None
    today: date
    accounts: Accounts
    audit: Audit

    def told_to_operators(self, snapshot: Snapshot) -> Explanation:
        person = self.accounts.meant_by(self.login)
        told = self._told(person, snapshot, everybody=True)
        return _with(told, self._by_claims(told.login, snapshot))

    def told_to_admins(self, seen: Snapshot) -> Explanation:
        """Whose login that is they learn of the people of their teams only."""
        person = self.accounts.meant_by(self.login)
        listed = person is not None and bool(seen.directory.teams_of(person.name))
        return self._told(person if listed else None, seen, everybody=False)

    def told_to_themselves(self, seen: Snapshot) -> Explanation:
        return self._explained(self.accounts.people.named(self.login), seen)

    def more(self, name: str, seen: Snapshot, everybody: bool = False) -> Iterator[Ground]:
        """What `name` is not told, but operators are (`everybody`) and admins of these teams."""
        person = self.accounts.people.named(name)
        logins = {self.login, name, *(person.logins if person else ())}
        if everybody and self.team is None:
            yield from self._as_operator(logins)
        yield from (
            _at_odds(mismatch, seen, self.accounts)
            for mismatch in self.accounts.mismatches
            if mismatch.login in logins
            and self.team in (None, mismatch.team)
            and (everybody or seen.directory.team(mismatch.team) is not None)
        )
        yield from rivals_of(name, logins, self.team, seen)
        yield from self._removals(name, seen, everybody)
        if self.team is not None:
            yield from findings_of(self.team, seen, but="another-person")

    def _as_operator(self, logins: Iterable[str]) -> Iterator[Ground]:
        """What the settings mean by an operator of these logins, where that is not plain."""
        for operator in self.accounts.operators:
            if operator.remarkable and any(map(operator.is_called, logins)):
                said = printable(operator.said(self.accounts.provider), MAX_SAID)
                yield Ground(team=HUB, admitted=False, said=said)

    def _removals(self, name: str, seen: Snapshot, everybody: bool) -> Iterator[Ground]:
        """When `name` was dropped from teams that do not list it since, the last one first."""
        teams = None if everybody else frozenset(t.name for t in seen.directory.teams)
        if self.team is not None:
            teams = frozenset({self.team}) if teams is None else teams & {self.team}
        if teams is not None and not teams:
            return
        wanted = Wanted(login=name, action="removed", teams=teams, limit=_REMOVALS)
        try:
            entries = self.audit(wanted)
        except Unavailable:  # what the team files say counts, and is at hand
            return
        # The newest of each team; also an entry of what somebody of this name did is found.
        last = {entry.team: entry for entry in reversed(entries) if entry.login == name}
        for entry in sorted(last.values(), key=lambda entry: entry.at, reverse=True):
            team = seen.directory.team(entry.team)
            if team is None or team.member(name) is None:
                at = f"{entry.at:%Y-%m-%d %H:%M} UTC"
                said = f"Removed from {entry.team} on {at}: {entry.detail}"
                yield Ground(team=entry.team, admitted=False, said=said)

    def _told(self, person: Person | None, seen: Snapshot, everybody: bool) -> Explanation:
        told = self._explained(person, seen, own=not everybody)
        said = told.said if person is None else _introduced(self.login, person, told.said)
        told = told.model_copy(update={"said": said})
        return _with(told, self.more(told.login, seen, everybody))

    def _explained(self, person: Person | None, seen: Snapshot, own: bool = False) -> Explanation:
        name = self.login if person is None else person.name
        written = name if person is None else self.accounts.written(name)
        return explained(name, seen, self.today, self.team, written, own)

    def _by_claims(self, name: str, snapshot: Snapshot) -> Iterator[Ground]:
        """What the provider said last, and why some of it counts for nothing."""
        arrived, person = self.accounts.arrived(name), self.accounts.people.named(name)
        values: Iterable[str] = person.claims if person else ()
        if arrived is not None:
            yield _of_arrival(arrived, self.accounts.rules)
            values = arrived.values
        for team, granting in _granting(values, self.accounts.rules).items():
            if self.team in (None, team) and (ground := _idle(team, granting, snapshot)):
                yield ground


def _introduced(login: str, person: Person, said: str) -> str:
    """`said`, with the account that is meant."""
    number = printable(person.id)
    if login == person.name:
        return f"{said} This hub knows “{login}” as account {number}."
    return f"“{login}” is “{person.name}” on this hub (account {number}). {said}"


def _at_odds(mismatch: Mismatch, seen: Snapshot, accounts: Accounts) -> Ground:
    login, found, meant = (
        printable(text) for text in (mismatch.login, mismatch.found, mismatch.expected)
    )
    of_file = "the file" if mismatch.team != HUB else "the setting `operators`"
    if accounts.is_numbered(mismatch, seen.directory):
        said = (
            f"Account {found} gets nothing by “{login}”: {of_file} says githubId {meant}. "
            "If the person has another account, mend it there."
        )
    else:
        safer = f"; or say githubId in {of_file}." if accounts.provider == "github" else "."
        said = (
            f"Account {found} was refused as “{login}”: this login is pinned to account {meant}. "
            f"If the person has a new account: fairihub unpin {login}{safer}"
        )
    report = seen.report_of(mismatch.team)
    place = report.place(mismatch.login) if report is not None else None
    return Ground(team=mismatch.team, admitted=False, said=said, place=place)


def _granting(values: Iterable[str], rules: ClaimRules) -> dict[str, list[str]]:
    """By team, those of the claim values for which settings grant it."""
    found: dict[str, list[str]] = {}
    for value in sorted(values):
        for team in dict.fromkeys(grant.team for grant in rules.grants.get(value, ())):
            found.setdefault(team, []).append(value)
    return found


def _of_arrival(arrived: Arrived, rules: ClaimRules) -> Ground:
    at = f"At {arrived.at:%Y-%m-%d %H:%M} UTC the provider"
    if not arrived.values:
        said = f"{at} said nothing in the claim, or had ended the session."
    else:
        more = f" and {arrived.left_out} more" if arrived.left_out else ""
        said = f"{at} said in the claim: {_quoted(arrived.values)}{more}."
        if not rules.grants.keys() & set(arrived.values):
            said += " The settings map none of these to a team (`grants`)."
    return Ground(team="", admitted=False, said=said)


def _idle(team: str, granting: Iterable[str], snapshot: Snapshot) -> Ground | None:
    """Why these claim values, which settings map to `team`, do not count there."""
    described, said = snapshot.directory.team(team), f"{_quoted(granting)} is mapped to this team"
    if described is None:
        return Ground(team=team, admitted=False, said=f"{said}, and there is none of this name.")
    if described.allow_claims:
        return None
    report = snapshot.report_of(team)
    place = report.place("allowClaims") if report is not None else None
    said += ", but its file does not say allowClaims: true."
    return Ground(team=team, admitted=False, said=said, place=place)


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f"“{value}”" for value in values)


def _with(told: Explanation, more: Iterable[Ground]) -> Explanation:
    return told.model_copy(update={"grounds": (*told.grounds, *more)})


def _within(snapshot: Snapshot, teams: Iterable[str]) -> Snapshot:
    """The snapshot of a hub that has these teams only."""
    names = frozenset(teams)
    directory = TeamDirectory(
        teams=tuple(t for t in snapshot.directory.teams if t.name in names),
        operators=snapshot.directory.operators,
    )
    concerned = (_among(report, names) for report in snapshot.files)
    files = tuple(report for report in concerned if report is not None)
    return snapshot.model_copy(update={"directory": directory, "files": files})


def _among(report: FileReport, names: Collection[str]) -> FileReport | None:
    """What of the report concerns these teams."""
    rival = report.rival if report.rival is not None and report.rival.team in names else None
    if report.team in names:
        return report.model_copy(update={"rival": rival})
    if rival is None:
        return None
    # It is another team's file, of which they learn that it wants theirs.
    found = tuple(f for f in report.findings if f.code == NAME_TAKEN)
    return report.model_copy(update={"team": None, "findings": found})


def _without_places(told: Explanation, but: Iterable[str]) -> Explanation:
    kept = frozenset(but)
    grounds = tuple(
        g if g.team in kept else g.model_copy(update={"place": None}) for g in told.grounds
    )
    return told.model_copy(update={"grounds": grounds})
