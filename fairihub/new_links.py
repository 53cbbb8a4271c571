"""New sign-in links, each with an entry in the audit log: who has one signs in as its person."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from fairihub.hub_settings import HubSettings
from fairihub_auth.audit_log import LINES, Recorder
from fairihub_auth.link_store import LinkStore, link_url
from fairihub_core import clock
from fairihub_core.audit import Entry

_BY = "cli"


def new_links(hub: HubSettings, logins: Iterable[str], occasion: str) -> dict[str, str]:
    """A link for each of the logins, by login. Works also while the hub does not run.

    Says on stderr if they could not be recorded.

    Args:
        occasion: what the log says before on whose word they were made.
    """
    wanted = tuple(logins)
    now, lifetime = clock.now(), timedelta(hours=hub.settings.link_hours)
    if wanted and not _recorded(
        hub, [_link_made(login, now, now + lifetime, occasion) for login in wanted]
    ):
        log = hub.places.hub / LINES
        print(
            f"fairihub: a new link could not be written into the audit log, {log}, or its "
            "table in the hub's database.",
            file=sys.stderr,
        )
    store = LinkStore(hub.places.links)
    return {
        login: link_url(hub.public_address, store.issue(login, lifetime, now)) for login in wanted
    }


def _link_made(login: str, at: datetime, until: datetime, occasion: str) -> Entry:
    said = f"{occasion}, by its user “{_system_user()}”; until {until:%Y-%m-%d %H:%M} UTC"
    return Entry(at=at, action="link-made", login=login, by=_BY, detail=said)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return str(os.getuid())


def _recorded(hub: HubSettings, made: Sequence[Entry]) -> bool:
    """Whether all went into the hub's audit log, from here, since the hub need not run."""
    from fairihub_auth.store import AuthStore  # takes as long as all the rest of a command

    def write(entries: Sequence[Entry]) -> None:
        with contextlib.closing(AuthStore.in_folder(hub.places.hub)) as store:
            store.record(entries)

    recorder = Recorder(hub.places.hub, write)
    for entry in made:
        recorder.record(entry)
    return recorder.close()
