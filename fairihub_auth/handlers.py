"""The hub's own API below `/hub/api/fairihub/`: teams for services, and who is let in and why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fairihub_auth.accounts import Accounts, Forgotten, Who, forgotten, who_is
from fairihub_auth.answering import Handlers, JsonHandler
from fairihub_auth.audit_access import Wanted, reported, wanted
from fairihub_auth.explaining import why
from fairihub_auth.hub_users import HubUsers, server_ends
from fairihub_auth.publication import Publication
from fairihub_auth.standing import Standing, standing_of
from fairihub_core import clock
from fairihub_core.audit import Entry, Record
from fairihub_core.callers import asks_from_elsewhere, not_a_person, signed_out
from fairihub_core.errors import Missing
from fairihub_core.hub_callers import caller_of, for_services, require_operator
from fairihub_core.logins import login_of, printable
from fairihub_core.query import number_in
from fairihub_core.reasons import Explanation
from fairihub_core.scopes import SNAPSHOT
from fairihub_core.snapshot import Snapshot

SNAPSHOT_PATH = "/api/fairihub/snapshot"
MAX_WAIT = 25.0

Newer = Callable[[int, float], Awaitable["Snapshot | None"]]


def _nobody(name: str) -> bool:
    return False


@dataclass(frozen=True)
class Asked:
    """What the handlers ask, all of it in plain functions; those that may block say so.

    The configuration is copied deeply, and of what stands behind these there is one only.
    """

    snapshot: Callable[[], Snapshot]
    accounts: Callable[[], Accounts] = Accounts
    record: Record = lambda entry: None
    audit: Callable[[Wanted], Sequence[Entry]] = lambda wanted: ()
    """Blocks: the newest entries that fit, newest first."""
    unpin: Callable[[str], bool] = _nobody
    """Blocks: forgets the account of a hub name."""
    stays_out: Callable[[str], bool] = _nobody


def handlers_for(publication: Publication, asked: Asked) -> Handlers:
    """For `c.JupyterHub.extra_handlers`, which puts `/hub` before each path."""

    async def newer(after: int, timeout: float) -> Snapshot | None:
        return await publication.wait_newer(after, timeout)

    return [
        (SNAPSHOT_PATH, SnapshotHandler, {"newer": newer}),
        ("/api/fairihub/standing", StandingHandler, {"asked": asked}),
        ("/api/fairihub/why", WhyHandler, {"asked": asked}),
        ("/api/fairihub/audit", AuditHandler, {"asked": asked}),
        ("/api/fairihub/people/([^/]+)", PersonHandler, {"asked": asked}),
    ]


class SnapshotHandler(JsonHandler):
    """Answers with the snapshot once its number is not `after`, or 304 after `wait` seconds."""

    def initialize(self, newer: Newer) -> None:
        self._newer = newer

    async def get(self) -> None:
        try:
            await self.answer(self._asked_for())
        except asyncio.CancelledError:  # the hub ends: no error of its own, and no work left
            self.set_status(503)

    async def _asked_for(self) -> Snapshot | None:
        if not self.has_scope(SNAPSHOT):
            raise for_services(SNAPSHOT)
        query = self.query("after", "wait")
        after, wait = number_in(query, "after", -1), number_in(query, "wait", 0)
        snapshot = await self._newer(after, min(max(wait, 0), MAX_WAIT))
        if snapshot is None:
            self.set_status(304)
        return snapshot


class AskingHandler(JsonHandler):
    """A handler that asks for what it answers."""

    def initialize(self, asked: Asked) -> None:
        self.asked = asked


class StandingHandler(AskingHandler):
    """Whether whoever uses this browser is let in; asked by every page that is open in it.

    Who was removed is told, too: by the session that opens nothing any more.
    """

    def check_xsrf_cookie(self) -> None:
        """Reading changes nothing, and pages of members' servers have no value of the hub's."""
        if asks_from_elsewhere(self):
            super().check_xsrf_cookie()

    async def get(self) -> None:
        await self.answer(self._standing())

    async def _standing(self) -> Standing:
        self.query()
        user = self._whoever_it_was()
        if user is None:
            raise signed_out()
        if user.kind == "service":
            raise not_a_person()
        return standing_of(
            user.name,
            self.asked.snapshot().directory,
            clock.today(),
            stays_out=self.asked.stays_out(user.name),
            server_ends=server_ends(user),
        )

    def _whoever_it_was(self) -> Any:
        token = self.get_token()
        if self.current_user is not None:
            return self.current_user
        if token is not None and token.user is not None:
            return self.users[token.user]
        return self.get_current_user_cookie()


class WhyHandler(AskingHandler):
    """Why a login comes in, or does not: `?login=`, and `&team=` for one team only."""

    async def get(self) -> None:
        await self.answer(self._why())

    async def _why(self) -> Explanation:
        caller = caller_of(self)
        query = self.query("login", "team")
        login, team = query.get("login", caller.name), query.get("team")
        return await asyncio.to_thread(
            why,
            caller,
            login,
            team,
            self.asked.snapshot(),
            clock.today(),
            accounts=self.asked.accounts(),
            audit=self.asked.audit,
        )


class AuditHandler(AskingHandler):
    """The audit log: read by operators and admins of teams, added to by services."""

    async def get(self) -> None:
        await self.answer(self._entries())

    async def post(self) -> None:
        await self.answer(self._taken())

    async def _entries(self) -> dict[str, Any]:
        caller = caller_of(self)
        query = self.query("since", "login", "action", "team", "limit")
        sought = wanted(caller, query, self.asked.snapshot().directory, clock.today())
        found = await asyncio.to_thread(self.asked.audit, sought)
        return {"entries": [entry.model_dump(mode="json") for entry in found]}

    async def _taken(self) -> None:
        caller = caller_of(self)
        self.query()
        for entry in reported(caller, self.body()):
            self.asked.record(entry)


class PersonHandler(AskingHandler):
    """Who a login is on this hub; DELETE forgets which account it is pinned to.

    The next to sign in with it is that person then.
    """

    async def get(self, login: str) -> None:
        await self.answer(self._who(login))

    async def delete(self, login: str) -> None:
        await self.answer(self._unpinned(login))

    async def _who(self, login: str) -> Who:
        caller = caller_of(self)
        self.query()
        require_operator(caller, self.asked.snapshot().directory)
        return who_is(login_of(login), self.asked.accounts())

    async def _unpinned(self, login: str) -> Forgotten:
        caller = caller_of(self)
        self.query()
        accounts, directory = self.asked.accounts(), self.asked.snapshot().directory
        require_operator(caller, directory)
        person = accounts.of(login_of(login))
        if person is None:
            said = f"Nobody has signed in as “{printable(login)}”."
            raise Missing("no-such-person", said)
        # Whoever has the name next must not find sessions or servers of who had it before.
        users, why = HubUsers(self.app, self.asked.record), "its owner's account is forgotten here."
        await users.renew([person.name], why)
        await users.ended()
        await asyncio.to_thread(self.asked.unpin, person.name)
        await users.renew([person.name], why)
        await users.ended()
        told = forgotten(person, accounts, directory)
        entry = Entry(
            at=clock.now(),
            action="pin-removed",
            login=person.name,
            by=caller.name,
            detail=f"Account {told.account}.",
        )
        self.asked.record(entry)
        return told
