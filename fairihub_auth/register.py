"""The register of people: makes what team files say of logins into who comes in on this hub.

Its one directory is what everybody behind it goes by: hub names in place of logins, accounts
known by their number, and what claims bring.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from fairihub_auth.accounts import Accounts
from fairihub_auth.arrivals import Arrivals
from fairihub_auth.impostors import Strangers, contradicts, is_numbered, lists, reported
from fairihub_auth.store import AuthStore
from fairihub_core import clock
from fairihub_core.access import Denial, denial_of
from fairihub_core.errors import Unavailable
from fairihub_core.logins import LOGIN, printable
from fairihub_core.operators import Operator, operators_of
from fairihub_core.people import AnotherPerson, Identity, People, Person, Provider
from fairihub_core.resolution import HUB, ClaimRules, Mismatch, hub_of, mismatches, resolved
from fairihub_core.snapshot import FileReport
from fairihub_core.teams import Member, Team, TeamDirectory

Put = Callable[[TeamDirectory, tuple[FileReport, ...]], None]

log = logging.getLogger("fairihub.people")


class Register:
    """Who has signed in, and what follows for the teams. Its methods may block; any thread.

    Args:
        store: where accounts are kept.
        put: publishes a directory with the reports of the team files; done before a method that
            changes anything returns.
        provider: links prove no account, so nobody is pinned; only GitHub has a `githubId`.
        origin: the provider with its address, if that is not always the same: an account's number
            means somebody else at another.
        rules: what claims bring.
        operators: as settings list them.
    """

    def __init__(
        self,
        store: AuthStore,
        put: Put,
        *,
        provider: Provider,
        origin: str = "",
        rules: ClaimRules,
        operators: Iterable[Member],
    ) -> None:
        self._store = store
        self._put = put
        self._provider: Provider = provider
        self._origin = origin or provider
        self._rules = rules
        self._hub = self._heeded(hub_of(operators))
        self._told: frozenset[str] = frozenset()
        self._people = People() if provider == "links" else store.people(self._origin)
        self._teams: tuple[Team, ...] = ()
        self._files: tuple[FileReport, ...] = ()
        self._directory = TeamDirectory()
        self._strangers = Strangers()
        self._arrivals = Arrivals(rules.grants.keys())
        self._mismatches: tuple[Mismatch, ...] = ()
        self._lock = threading.RLock()

    def teams_are(self, teams: tuple[Team, ...], files: tuple[FileReport, ...]) -> None:
        """The teams as their files describe them now."""
        with self._lock:
            self._teams, self._files = tuple(map(self._heeded, teams)), files
            self._publish()

    def admit(self, identity: Identity) -> Person | Denial:
        """Who that is on this hub, or why they do not come in. Only who comes in is pinned.

        Raises:
            Unavailable: somebody new could not be kept, and so does not come in.
        """
        claims = identity.claims & self._rules.grants.keys()
        with self._lock:
            known = self._people.with_id(identity.id)
            if LOGIN.fullmatch(identity.login):
                named = identity.login
            elif known is not None:
                named = known.login
            else:
                return self._denial(Denial(identity.login, "unusable-login"), identity)
            self._release(identity)
            listed = lists(Identity(identity.id, named), self._lists)
            try:
                person = self._people.recognise(Identity(identity.id, named, claims), listed)
            except AnotherPerson:
                self._report(identity)
                return self._denial(Denial(identity.login, "another-person"), identity)
            self._arrived(person.name, identity.claims)
            return self._decided(person, known, identity)

    def claims_are(self, name: str, claims: frozenset[str]) -> None:
        """The provider's claims of `name` (a hub name), as they were just asked for."""
        with self._lock:
            known = self._people.named(name)
            if known is not None:
                self._arrived(name, claims)
            relevant = claims & self._rules.grants.keys()
            if known is not None and known.claims != relevant:
                self._update(known.model_copy(update={"claims": relevant}))

    def unpin(self, name: str) -> bool:
        """Forgets the account of a hub name or login; False if there is none.

        The name is then of whoever signs in with it next: their sessions and tokens must have
        ended before.
        """
        with self._lock:
            person = self._people.named(name) or self._people.with_login(name)
            if person is None:
                return False
            self._store.remove(self._origin, person.name)
            self._people = self._people.without(person.name)
            self._arrivals.forget(person.name)
            self._strangers = self._strangers.without(person.logins)
            self._publish()
            return True

    def people(self) -> People:
        """Everybody who has been let in through this provider."""
        return self._people

    def knows(self, name: str) -> bool:
        """Whether `name` (a hub name) has an account here; links prove none, so none is needed."""
        return self._provider == "links" or self._people.named(name) is not None

    def accounts(self) -> Accounts:
        """All that is known of them, at this moment."""
        return Accounts(
            self._provider,
            self._people,
            self._mismatches,
            self.written,
            self._rules,
            self._arrivals.of,
            self._arrivals.bearer,
            self.operators(),
        )

    def mismatches(self) -> tuple[Mismatch, ...]:
        """Entries of team files and operators whose login somebody else tried, or holds."""
        return self._mismatches

    def operators(self) -> tuple[Operator, ...]:
        """Who the operators are; none where names alone are known, and so all is plain."""
        if self._provider == "links":
            return ()
        return operators_of(self._hub.members, self._people)

    def number_of(self, name: str) -> str | None:
        """The provider's number of the account that a hub name is pinned to."""
        person = self._people.named(name)
        return person.id if person is not None else None

    def written(self, name: str) -> str:
        """The login that team files write for `name` (a hub name): by number, else the newest."""
        person = self._people.named(name)
        if person is None:
            return name
        members = [member for team in self._teams for member in team.members]
        by_number = (m.login for m in members if str(m.github_id) == person.id)
        listed = {m.login for m in members if m.github_id is None}
        by_login = (login for login in reversed(person.logins) if login in listed)
        return next(by_number, None) or next(by_login, None) or person.login

    @property
    def _lists(self) -> tuple[Team, ...]:
        """Whatever names logins."""
        return (*self._teams, self._hub)

    def _heeded(self, team: Team) -> Team:
        return team if self._provider == "github" else _without_numbers(team)

    def _arrived(self, name: str, claims: frozenset[str]) -> None:
        if self._provider == "oidc" and self._rules.grants:
            self._arrivals.note(name, claims)

    def _release(self, identity: Identity) -> None:
        """Takes a later login from whoever holds it, if a file gives it to this account.

        No file takes from an operator the login that makes them one: settings have to say whose
        it is.
        """
        if any(m.login == identity.login and m.github_id is None for m in self._hub.members):
            return
        if is_numbered(identity, self._lists):
            former = self._people.releasing(identity.login)
            if former is not None and former.id != identity.id:
                self._update(former)

    def _decided(self, person: Person, known: Person | None, identity: Identity) -> Person | Denial:
        directory = self._directory
        if person != known:
            directory = self._resolved(self._people.including(person))
        denial = denial_of(person.name, directory, clock.today())
        if denial is None:
            self._strangers_are(self._strangers.without({identity.login}, identity.id))
            self._arrivals.note_login(identity.login, person)
            self._let_in(person, known)
            return person
        if known is not None and person.claims != known.claims:
            # Refused or not: what they have lost elsewhere they have lost here.
            self._update(known.model_copy(update={"claims": person.claims}))
        if contradicts(identity, self._lists):
            self._report(identity)
            denial = replace(denial, reason="another-person", closed=())
        return self._denial(denial, identity)

    def _let_in(self, person: Person, known: Person | None) -> None:
        if self._provider == "links":
            return
        if known is not None:
            self._update(person)
            return
        # First the store: a hub that forgot whose a login is would give it away.
        self._store.put(self._origin, person)
        self._people = self._people.including(person)
        self._publish()

    def _update(self, person: Person) -> None:
        """Somebody known, as they are now; what they may not do any more must not wait."""
        if person != self._people.named(person.name):
            self._people = self._people.including(person)
            self._publish()
        try:
            self._store.put(self._origin, person)
        except Unavailable:
            log.warning("What is new of %s is not kept: the records are away", person.name)

    def _report(self, identity: Identity) -> None:
        """Somebody else's login was tried: operators and the teams that list it hear of it."""
        log.warning(
            "%s was tried with account %s, and is known as another person's",
            printable(identity.login),
            printable(identity.id),
        )
        self._strangers_are(self._strangers.including(identity).among(self._lists))

    def _strangers_are(self, strangers: Strangers) -> None:
        if strangers != self._strangers:
            self._strangers = strangers
            self._publish()

    def _denial(self, denial: Denial, identity: Identity) -> Denial:
        number = printable(identity.id)
        return replace(denial, login=printable(identity.login), number=number)

    def _resolved(self, people: People) -> TeamDirectory:
        operators = self._hub.members
        return resolved(self._teams, people, rules=self._rules, operators=operators)

    def _publish(self) -> None:
        self._directory = self._resolved(self._people)
        self._strangers = self._strangers.among(self._lists)
        held = mismatches(self._lists, self._people)
        tried = self._strangers.mismatches(self._lists, self._people)
        self._mismatches = tuple(dict.fromkeys((*held, *tried)))
        self._tell_of_operators()
        self._put(self._directory, reported(self._files, self._mismatches))

    def _tell_of_operators(self) -> None:
        """In the log, what is new of who they are: a mistake there gives the hub away."""
        told = {
            printable(operator.said(self._provider), 300): operator.person is None
            for operator in self.operators()
            if operator.remarkable
        } | {
            f"Account {printable(m.found)} is no operator by “{m.login}”: that means account "
            f"{printable(m.expected)}": True
            for m in self._mismatches
            if m.team == HUB
        }
        for said in told.keys() - self._told:
            log.log(logging.WARNING if told[said] else logging.INFO, "%s", said)
        self._told = frozenset(told)


def _without_numbers(team: Team) -> Team:
    if all(member.github_id is None for member in team.members):
        return team
    members = tuple(m.model_copy(update={"github_id": None}) for m in team.members)
    return team.model_copy(update={"members": members})
