"""What follows when somebody is let in no more: no token and no session of theirs is left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Collection
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from fairihub_auth.audit_entries import Known, entries_of
from fairihub_auth.continuity import Continuity
from fairihub_auth.hub_users import HubUsers
from fairihub_core import clock
from fairihub_core.access import denial_of
from fairihub_core.audit import Action, Entry, Record
from fairihub_core.files import write_whole
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import TeamDirectory

DropLinks = Callable[[Callable[[str, datetime], bool]], None]
"""Takes back each sign-in link of whose login, and time of issue, something is true. May block."""
LOOK_SECONDS = 60.0
"""A membership ends at midnight, and no file changes."""
_BACK = "it was of before a removal, and its owner is let in again."
_OF_NOBODY = "nobody has its owner's account any more."
_Times = TypeAdapter(dict[str, AwareDatetime])

log = logging.getLogger("fairihub.removal")


def left(before: TeamDirectory, then: date, after: TeamDirectory, today: date) -> frozenset[str]:
    """Who came in `then` and does not `today`."""
    return frozenset(
        login
        for login in before.logins() | before.operators
        if denial_of(login, before, then) is None and denial_of(login, after, today) is not None
    )


class Removal:
    """Follows up every removal: tokens, sessions and servers, and what the audit log says of it.

    Whoever was removed is out for good: let in again they sign in anew, and no cookie, token or
    sign-in link from before opens anything. Until then their cookie, or a link that was made since,
    still tells who they were, so that pages can say why they are out.

    Args:
        snapshot: the teams of this moment.
        record: takes the entries.
        kept: a file for who is out and since when, which outlives a restart of the hub.
        continuity: tells whose sessions of earlier are not those of the same people.
        known: what the audit log tells of names.
        drop_links: where people sign in by links.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        record: Record,
        kept: Path,
        continuity: Continuity | None = None,
        known: Known | None = None,
        drop_links: DropLinks = lambda over: None,
    ) -> None:
        self._snapshot = snapshot
        self._record = record
        self._kept = kept
        self._continuity = continuity
        self._known = known or Known()
        self._drop_links = drop_links
        self._strangers: frozenset[str] = frozenset()
        self._continued = asyncio.Event()
        self._out = _remembered(kept)
        self._day = clock.today()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    # From any thread

    def told(self, before: Snapshot, after: Snapshot) -> None:
        """Hears of each change of the teams; for `Publication.subscribe`. Blocks for a file."""
        now = clock.now()
        with self._lock:
            then, self._day = self._day, now.date()
            gone = left(before.directory, then, after.directory, self._day)
            self._out.update(dict.fromkeys(gone, now))
            if gone:
                self._keep()
            self._drop(gone.__contains__, after.directory, self._day)
        for entry in entries_of(before, after, then=then, at=now, known=self._known):
            self._record(entry)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the hub has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    def removed_at(self, name: str) -> datetime | None:
        """Since when `name` is out; None for whoever is not."""
        return self._out.get(name)

    def stays_out(self, name: str) -> bool:
        """Whether every session and token of `name` dates from before a removal, or is nobody's."""
        known = self._continuity is None or self._continuity.knows(name)
        return name in self._out or not known

    # On the hub's loop

    def begin(self, app: Any) -> None:
        """Called once, with the JupyterHub application, on its loop."""
        self._loop = asyncio.get_running_loop()
        self._leave_strangers(HubUsers(app, self._record))
        directory = self._snapshot().directory
        # Whoever is in closed teams learns that by a link.
        listed = directory.logins() | directory.operators
        self._drop(lambda login: login not in listed, directory, clock.today())
        self._following = self._loop.create_task(self._follow(app))

    async def signs_in(self, name: str, app: Any) -> None:
        """Called when `name` is let in, before the new session: those from before are over."""
        await self._continued.wait()
        since = self._out.get(name)
        if since is not None:
            users = HubUsers(app, self._record)
            await users.renew([name], _BACK)
            await users.ended()
            await asyncio.to_thread(self._forget, {name: since})

    def _leave_strangers(self, users: HubUsers) -> None:
        """While nobody can ask yet: nothing goes on that may be another person's."""
        if self._continuity is None:
            return
        before, now = self._continuity.before(), self._continuity.provider
        self._strangers = self._continuity.strangers(users.names())
        number = users.strip(self._strangers)
        self._continuity.keep()
        if self._strangers and before != now:
            said = f"The provider was {before or 'unknown'} and is {now}: everybody signs in anew."
            self._tell("tokens-revoked", "", f"{said} {number} tokens and sessions.")
        elif number:
            said = f"{number} tokens and sessions of people who have no account any more."
            self._tell("tokens-revoked", "", said)

    async def _follow(self, app: Any) -> None:
        # Its servers are known only once the hub has started.
        await asyncio.shield(app._start_future)
        users, starting = HubUsers(app, self._record), True
        for name in self._strangers:
            users.end(name, _OF_NOBODY)
        await users.ended()
        self._continued.set()
        while True:
            wait = LOOK_SECONDS
            try:
                wait = await self._look(users, starting)
                starting = False
            except Exception:  # the gate refuses them all the same
                app.db.rollback()
                log.exception("A removal could not be followed up; trying again")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), wait)
            self._woken.clear()

    async def _look(self, users: HubUsers, starting: bool) -> float:
        """Looks at everybody once; seconds until the next look."""
        snapshot, today = self._snapshot(), clock.today()
        if today != self._day:
            await asyncio.to_thread(self.told, snapshot, snapshot)
        names = users.names()
        out = {
            name: number
            for name, number in names.items()
            if denial_of(name, snapshot.directory, today) is not None
        }
        await self._let_back(users, names, out)
        await self._note(out.keys() - self._out.keys(), starting)
        for name, number in await users.revoke(out):
            log.info("%s is out: %d tokens and sessions revoked", name, number)
            self._tell("tokens-revoked", name, f"{number} tokens and sessions")
        next_end = await users.end_servers()
        return LOOK_SECONDS if next_end is None else min(max(next_end, 0.05), LOOK_SECONDS)

    async def _let_back(
        self, users: HubUsers, names: Collection[str], out: Collection[str]
    ) -> None:
        """Who may come in again has to sign in; a login without an account here has no session."""
        back = {name: since for name, since in tuple(self._out.items()) if name not in out}
        if back:
            await users.renew([name for name in back if name in names], _BACK)
            await asyncio.to_thread(self._forget, back)

    async def _note(self, names: Collection[str], starting: bool) -> None:
        """Remembers who is out without having been seen to leave."""
        if not names:
            return
        await asyncio.to_thread(self._mark, names)
        if starting:
            for name in sorted(names):
                self._tell("removed", name, "No team lets them in; noticed as the hub started.")

    def _mark(self, names: Collection[str]) -> None:
        with self._lock:
            self._out = {**dict.fromkeys(names, clock.now()), **self._out}
            self._keep()

    def _forget(self, back: dict[str, datetime]) -> None:
        with self._lock:
            for name, since in back.items():
                if self._out.get(name) == since:  # else removed again meanwhile
                    del self._out[name]
            self._keep()

    def _drop(self, gone: Callable[[str], bool], directory: TeamDirectory, today: date) -> None:
        """Takes back the links of who has gone, and of who is let back in those from before."""

        def over(login: str, issued: datetime) -> bool:
            since = self._out.get(login)
            from_before = since is not None and issued <= since
            return gone(login) or (from_before and denial_of(login, directory, today) is None)

        try:
            self._drop_links(over)
        except OSError as problem:
            log.warning("Sign-in links cannot be taken back: %s", problem)

    def _keep(self) -> None:
        try:
            write_whole(self._kept, _Times.dump_json(self._out))
        except OSError as problem:
            log.warning("Who is out cannot be kept in %s: %s", self._kept, problem.strerror)

    def _tell(self, action: Action, login: str, detail: str) -> None:
        self._record(
            Entry(at=clock.now(), action=action, login=login, by="fairihub", detail=detail)
        )


def _remembered(kept: Path) -> dict[str, datetime]:
    try:
        return _Times.validate_json(kept.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError):
        log.warning("Who is out cannot be read from %s; found out anew", kept)
        return {}
