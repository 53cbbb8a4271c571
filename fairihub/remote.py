"""What the command line asks of a hub: links, tokens, why somebody comes in, the audit log."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fairihub import datafolder
from fairihub.first_links import kept_teams, operators_of
from fairihub.hub_settings import HubSettings
from fairihub.new_links import new_links
from fairihub.team_file_settings import named
from fairihub.team_files import at_hand, readings_of
from fairihub_auth.accounts import Forgotten, Who
from fairihub_core import clock
from fairihub_core.access import require_access
from fairihub_core.audit import Entry
from fairihub_core.errors import BadInput, Refused, Unavailable
from fairihub_core.logins import login_of, printable
from fairihub_core.places import Places
from fairihub_core.reasons import Explanation, explained, findings_of, rivals_of
from fairihub_core.scopes import RUN
from fairihub_core.snapshot import Snapshot
from fairihub_spawner.kube.leftovers import Leftovers

CLI_TOKEN = "cli"  # noqa: S105 - the name of a file
_TIMEOUT = 20
_LENT_SECONDS = 2 * 24 * 3600
_MAX_SAID = 64 * 1024
_MAX_BYTES = 64 * 1024 * 1024


def new_link(data: Path, login: str) -> str:
    """A sign-in link for a member, also while the hub does not run.

    Raises:
        BadInput: `unknown-login`, no team file lists it; `no-links`, a provider signs people in.
    """
    hub = _hub_of(data)
    login = login_of(login)
    if hub.sign_in != "links":
        raise BadInput(
            "no-links", f"People sign in with a provider ({hub.sign_in}) here; links open nothing."
        )
    if not _listed(hub, login):
        raise BadInput(
            "unknown-login",
            f"No team file lists “{printable(login)}”. Add it under allowedLogins in one of "
            f"{', '.join(map(named, hub.sources))}.",
        )
    return new_links(hub, [login], "On the hub's machine")[login]


def new_token(data: Path, login: str) -> str:
    """An API token for a member's scripts, made by the hub, which must run; it expires.

    Args:
        login: the hub name, or a login of that person: whatever `why` says comes in.

    Raises:
        Refused: no team lists the login, or all that do have closed; or `not-signed-in`, nobody
            has signed in with it, so that the token would be of whoever does so first.
        Unavailable: `not-running`, or the hub does not answer.
    """
    hub = _hub_of(data)
    wanted = {"expires_in": hub.settings.token_days * 24 * 3600}
    made: str = _made_token(hub, login, wanted)["token"]
    return made


@contextlib.contextmanager
def lent_token(data: Path, login: str) -> Iterator[tuple[str, str]]:
    """The hub's address and a token for the runs of a member, for as long as the block lasts.

    Raises:
        Refused, Unavailable: as `new_token`.
    """
    hub = _hub_of(data)
    doors = [f"access:services!service={name}" for name in ("headless", "catalog")]
    made = _made_token(hub, login, {"expires_in": _LENT_SECONDS, "scopes": [*doors, RUN]})
    address = datafolder.running_hub(hub.places).address
    try:
        yield address, made["token"]
    finally:
        with contextlib.suppress(Unavailable):  # then it expires by itself
            owner = urllib.parse.quote(made["user"], safe="")
            token = f"{address}/hub/api/users/{owner}/tokens/{made['id']}"
            _ask(hub.places, token, method="DELETE")


def _made_token(hub: HubSettings, login: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub says of a new token: `token`, `id`, `user`."""
    login = login_of(login)
    address = datafolder.running_hub(hub.places).address
    snapshot = Snapshot.model_validate(_ask(hub.places, f"{address}/hub/api/fairihub/snapshot"))
    who = Who.model_validate(_ask(hub.places, _person(address, login)))
    require_access(who.login, snapshot.directory, clock.today())
    if not who.signed_in:
        raise Refused(
            "not-signed-in",
            f"“{printable(login)}” has not signed in yet, so nobody knows whose token that would "
            "be. Make it after the first sign-in.",
        )
    user = f"{address}/hub/api/users/{urllib.parse.quote(who.login, safe='')}"
    _ask(hub.places, user, {}, accepted=(http.client.CONFLICT,))
    asked = {"note": "made on the command line", **wanted}
    made: dict[str, Any] = _ask(hub.places, f"{user}/tokens", asked)
    return made


@dataclass(frozen=True)
class Answer:
    """An explanation, and as of when where the hub is off."""

    explanation: Explanation
    state_of: datetime | None = None


def explanation(data: Path, login: str, team: str | None) -> Answer:
    """Why `login` comes in, or does not: what the hub says, or its last state if it is off.

    Raises:
        BadInput: `no-hub`, this is no data folder of a hub.
        Unavailable: `not-running`, and the hub has left no state.
    """
    hub = _hub_of(data)
    login = login_of(login)
    try:
        address = datafolder.running_hub(hub.places).address
    except Unavailable as away:
        kept = _kept(hub, away)
        told = explained(login, kept, clock.today(), team)
        rivals = rivals_of(login, {login}, team, kept)
        grounds = (*told.grounds, *rivals, *(findings_of(team, kept) if team else ()))
        return Answer(told.model_copy(update={"grounds": grounds}), kept.taken)
    query = urllib.parse.urlencode({"login": login, **({"team": team} if team else {})})
    answer = _ask(hub.places, f"{address}/hub/api/fairihub/why?{query}")
    return Answer(Explanation.model_validate(answer))


def audit(data: Path, wanted: Mapping[str, str]) -> list[Entry]:
    """The entries of the audit log that match, newest first; the hub must run.

    Args:
        wanted: `since`, `login`, `action`, `team`, `limit`, as the hub's API knows them.
    """
    hub = _hub_of(data)
    address = datafolder.running_hub(hub.places).address
    answer = _ask(hub.places, f"{address}/hub/api/fairihub/audit?{urllib.parse.urlencode(wanted)}")
    return [Entry.model_validate(entry) for entry in answer["entries"]]


def unpin(data: Path, login: str) -> Forgotten:
    """Forgets which account `login` is pinned to, and says what that came to; the hub must run.

    Raises:
        Missing: `no-such-person`.
    """
    hub = _hub_of(data)
    address = datafolder.running_hub(hub.places).address
    answer = _ask(hub.places, _person(address, login_of(login)), method="DELETE")
    return Forgotten.model_validate(answer)


def leftovers(data: Path, *, delete: bool) -> Leftovers:
    """What the hub's servers have left in the cluster; the hub must run.

    Args:
        delete: whether pods and Secrets of it are deleted; volumes never are.

    Raises:
        Unavailable: `not-running`, or what the hub refuses: its servers are no pods.
    """
    hub = _hub_of(data)
    address = datafolder.running_hub(hub.places).address
    method = "DELETE" if delete else "GET"
    answer = _ask(hub.places, f"{address}/hub/api/fairihub/leftovers", method=method)
    return Leftovers.model_validate(answer)


def _person(address: str, login: str) -> str:
    return f"{address}/hub/api/fairihub/people/{urllib.parse.quote(login, safe='')}"


def _kept(hub: HubSettings, away: Unavailable) -> Snapshot:
    """The last state of a hub that does not run; resolved as it was then."""
    try:
        return Snapshot.model_validate_json(hub.snapshot_file.read_bytes())
    except (OSError, ValidationError):
        raise away from None


def _listed(hub: HubSettings, login: str) -> bool:
    """Whether the team files list `login`, or did in the last good state that the hub keeps."""
    folders = at_hand(hub.folders)
    if folders and any(r.team and r.team.member(login) for r in readings_of(*folders)):
        return True
    if login in operators_of(hub):
        return True
    kept = kept_teams(hub)
    return kept is not None and bool(kept.teams_of(login))


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
    method: str | None = None,
) -> Any:
    """The hub's answer as JSON; `accepted` are refusals that will do.

    Raises:
        Unavailable: `hub-refused`, with what the hub said, or `not-running`.
    """
    request = urllib.request.Request(  # noqa: S310 - the hub's own loopback address
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"token {datafolder.token(places, CLI_TOKEN)}",
            "Content-Type": "application/json",
        },
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            return json.loads(answer.read(_MAX_BYTES) or b"null")
    except urllib.error.HTTPError as error:
        if error.code in accepted:
            return None
        raise Unavailable("hub-refused", _said(error)) from None
    except (OSError, ValueError):
        raise Unavailable("not-running", f"The hub at {address} does not answer.") from None


def _said(error: urllib.error.HTTPError) -> str:
    """What the hub has to say of a refusal, in its own words if it has some."""
    message = None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        message = json.loads(error.read(_MAX_SAID))["message"]
    return printable(str(message or f"The hub answered {error.code} {error.reason}."), 500)
