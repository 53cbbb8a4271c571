"""What the command line asks of a hub that runs: a sign-in link, a token for scripts."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fairihub import datafolder
from fairihub.hub_settings import HubSettings
from fairihub.team_files import readings_of
from fairihub_auth.link_store import LinkStore, link_url
from fairihub_core import clock
from fairihub_core.access import require_access
from fairihub_core.errors import BadInput, Unavailable
from fairihub_core.logins import login_of, printable
from fairihub_core.places import Places
from fairihub_core.snapshot import Snapshot

CLI_TOKEN = "cli"  # noqa: S105 - the name of a file
_TIMEOUT = 20
_MAX_BYTES = 64 * 1024 * 1024


def new_link(data: Path, login: str) -> str:
    """A sign-in link for a member, also while the hub does not run.

    Raises:
        BadInput: `unknown-login`, no team file lists it.
    """
    hub = _hub_of(data)
    login = login_of(login)
    if not _listed(hub, login):
        raise BadInput(
            "unknown-login",
            f"No team file in {hub.teams} lists “{printable(login)}”. Add it under allowedLogins.",
        )
    lifetime = timedelta(hours=hub.settings.link_hours)
    token = LinkStore(hub.places.links).issue(login, lifetime, clock.now())
    return link_url(hub.address, token)


def new_token(data: Path, login: str) -> str:
    """An API token for a member's scripts, made by the hub, which must run; it expires.

    Raises:
        Refused: no team lists the login, or all that do have closed.
        Unavailable: `not-running`, or the hub does not answer.
    """
    hub = _hub_of(data)
    login = login_of(login)
    address = datafolder.running_hub(hub.places).address
    snapshot = Snapshot.model_validate(_ask(hub.places, f"{address}/hub/api/fairihub/snapshot"))
    require_access(login, snapshot.directory, clock.today())
    user = f"{address}/hub/api/users/{urllib.parse.quote(login, safe='')}"
    _ask(hub.places, user, {}, accepted=(http.client.CONFLICT,))
    wanted = {
        "note": "made on the command line",
        "expires_in": hub.settings.token_days * 24 * 3600,
    }
    made: str = _ask(hub.places, f"{user}/tokens", wanted)["token"]
    return made


def _listed(hub: HubSettings, login: str) -> bool:
    """Whether the team files list `login`, or did in the last good state that the hub keeps."""
    if any(r.team and r.team.member(login) for r in readings_of(hub.teams)):
        return True
    try:
        kept = Snapshot.model_validate_json(hub.snapshot_file.read_bytes())
    except (OSError, ValidationError):
        return False
    return bool(kept.directory.teams_of(login))


def _hub_of(data: Path) -> HubSettings:
    path = Places(data.resolve()).hub / "settings.json"
    if not path.is_file():
        raise BadInput(
            "no-hub", f"No hub was ever started on {data}. Name its data folder with --data."
        )
    return HubSettings.model_validate_json(path.read_bytes())


def _ask(
    places: Places,
    address: str,
    body: dict[str, Any] | None = None,
    accepted: tuple[int, ...] = (),
) -> Any:
    """The hub's answer as JSON; `accepted` are refusals that will do."""
    request = urllib.request.Request(  # noqa: S310 - the hub's own loopback address
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"token {datafolder.token(places, CLI_TOKEN)}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            return json.loads(answer.read(_MAX_BYTES))
    except urllib.error.HTTPError as error:
        if error.code in accepted:
            return None
        raise Unavailable("hub-refused", f"The hub answered {error.code} {error.reason}.") from None
    except (OSError, ValueError):
        raise Unavailable("not-running", f"The hub at {address} does not answer.") from None
