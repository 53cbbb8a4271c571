"""Sign-in links: each opens the hub once, for one login, for a while."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from fairihub_core.files import write_whole
from fairihub_core.teams import Frozen

MAX_TOKEN = 200


def link_url(base: str, token: str) -> str:
    """What a person opens. The token is in the fragment, which no server and no log ever sees.

    Args:
        base: the hub's address, with its base path.
    """
    return f"{base.rstrip('/')}/hub/login#link={token}"


class _Link(Frozen):
    login: str
    expires: AwareDatetime
    issued: AwareDatetime


class LinkStore:
    """The links of a hub, a file for each; the hub and the command line share the folder.

    A file is named by the hash of its token, so the folder gives no link away. Using a link
    removes its file, which succeeds for one caller only, over threads and processes.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def issue(self, login: str, lifetime: timedelta, now: datetime) -> str:
        """The token of a new link; `link_url` makes an address of it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self.prune(now)
        token = secrets.token_urlsafe(32)
        link = _Link(login=login, expires=now + lifetime, issued=now)
        write_whole(self._path(token), link.model_dump_json().encode())
        return token

    def use(self, token: str, now: datetime) -> str | None:
        """The login that `token` opens the hub for; None if it was used, has expired or is none."""
        if not token or len(token) > MAX_TOKEN:
            return None
        path = self._path(token)
        link = _read(path)
        try:
            path.unlink()
        except FileNotFoundError:
            return None
        return link.login if link is not None and now < link.expires else None

    def prune(self, now: datetime) -> None:
        """Removes what no longer opens anything."""
        for path in self._folder.glob("*.json"):
            link = _read(path)
            if link is None or link.expires <= now:
                path.unlink(missing_ok=True)
        for draft in self._folder.glob("*.part"):
            if _age(draft, now) > timedelta(minutes=10):
                draft.unlink(missing_ok=True)

    def drop(self, which: Callable[[str, datetime], bool]) -> None:
        """Removes each link of whose login, and time of issue, `which` is true."""
        for path in self._folder.glob("*.json"):
            link = _read(path)
            if link is not None and which(link.login, link.issued):
                path.unlink(missing_ok=True)

    def _path(self, token: str) -> Path:
        return self._folder / f"{sha256(token.encode('utf-8', 'replace')).hexdigest()}.json"


def _read(path: Path) -> _Link | None:
    try:
        return _Link.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _age(path: Path, now: datetime) -> timedelta:
    try:
        return timedelta(seconds=now.timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)
