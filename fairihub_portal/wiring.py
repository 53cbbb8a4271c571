"""How the pages are put into a JupyterHub: template folders, variables, static files, headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from tornado.web import RequestHandler, StaticFileHandler

from fairihub_core.access import Closed, denial_of
from fairihub_core.clock import today
from fairihub_core.offers import offers_for
from fairihub_core.operators import Operator
from fairihub_core.palette import palette
from fairihub_core.people import Provider
from fairihub_core.resolution import Mismatch
from fairihub_core.servers import last_choice, started_at, state_of
from fairihub_core.service_page import STANDING
from fairihub_core.snapshot import Place, Snapshot
from fairihub_portal.forms import TEMPLATES, profile_form
from fairihub_portal.home import HomePage, ServerNow, home_page
from fairihub_portal.pages import LogPageHandler, Mismatches, TeamPageHandler, Written
from fairihub_portal.portal import Portal
from fairihub_portal.starts import Starts
from fairihub_portal.texts import SOURCE, load, preferred
from fairihub_portal.views import Enforcement, limits_sentence, profile_page

STATIC = Path(__file__).parent / "static"
Operators = Callable[[], tuple[Operator, ...]]
PROVIDER_NAMES: Mapping[Provider, str] = {"links": "", "github": "GitHub", "oidc": "OpenID Connect"}


def no_mismatches() -> tuple[Mismatch, ...]:
    """Where sign-in knows no account numbers, none can be wrong."""
    return ()


def no_operators() -> tuple[Operator, ...]:
    """Where names alone are known, the settings make plain who the operators are."""
    return ()


def template_paths() -> list[str]:
    """For `c.JupyterHub.template_paths`; JupyterHub adds its own behind."""
    return [str(TEMPLATES)]


def jinja_options() -> dict[str, Any]:
    """For `c.JupyterHub.jinja_environment_options`: each page in its reader's language."""
    load()
    return {"extensions": ["fairihub_portal.texts.Words"]}


def template_vars(
    *,
    name: str,
    colour: str,
    contact: str,
    idle_minutes: int,
    link_hours: int,
    enforcement: Enforcement,
    snapshot: Callable[[], Snapshot],
    mismatches: Mismatches = no_mismatches,
    operators: Operators = no_operators,
    services: Mapping[str, str] | None = None,
    logo_url: str | None = None,
    provider: Provider = "links",
    provider_name: str | None = None,
    token_days: int = 30,
    language: str = SOURCE,
) -> dict[str, Any]:
    """For `c.JupyterHub.template_vars`: `portal`, `starts`, `home` of the user, and `end_of`.

    `mismatches` are the logins that belong to another account than team files or settings mean.
    """
    portal = Portal(
        name=name,
        contact=contact,
        logo_url=logo_url,
        idle_minutes=idle_minutes,
        link_hours=link_hours,
        limits=limits_sentence(enforcement),
        services=dict(services or {}),
        palette=palette(colour),
        version=_static_version(),
        provider=provider,
        provider_name=provider_name or PROVIDER_NAMES[provider],
        token_days=token_days,
        language=language,
    )
    home = _homes(snapshot, mismatches, operators)
    return {"portal": portal, "starts": Starts(), "home": home, "end_of": _ends(snapshot)}


def _homes(
    snapshot: Callable[[], Snapshot], mismatches: Mismatches, operators: Operators
) -> Callable[[Any], HomePage | None]:
    def home(user: Any) -> HomePage | None:
        if user is None:
            return None
        server = _server_now(user)
        return home_page(user.name, server, snapshot(), today(), mismatches(), operators())

    return home


def _ends(snapshot: Callable[[], Snapshot]) -> Callable[[Any], Callable[[Closed], Place | None]]:
    """Where the file of a closed team says so, for those who may know.

    The hub calls functions with the user: what a page is to call comes out of one.
    """

    def end_of(closed: Closed) -> Place | None:
        report = snapshot().report_of(closed.team) if closed.own else None
        return report.place("expirationDate") if report else None

    return lambda _user: end_of


def options_form(
    *,
    snapshot: Callable[[], Snapshot],
    enforcement: Enforcement,
    contact: str,
    shares_system_user: bool = False,
    language: str = SOURCE,
) -> Callable[[Any], str]:
    """For `c.Spawner.options_form`: the choice of profiles, from the directory of this moment."""

    def form(spawner: Any) -> str:
        login, directory, day = spawner.user.name, snapshot().directory, today()
        page = profile_page(
            offers_for(login, directory, day),
            enforcement,
            _asked_for(spawner) or last_choice(spawner),
            denial=denial_of(login, directory, day),
            teamless=not directory.open_teams_of(login, day),
            shares_system_user=shares_system_user,
        )
        return profile_form(page, contact, _language_of(spawner, language), _home_url(spawner))

    return form


def default_url(snapshot: Callable[[], Snapshot]) -> Callable[[Any], str]:
    """For `c.JupyterHub.default_url`: where somebody is led who asks for no page.

    Operators without a team have no profile to choose, and all teams to look after; everybody
    else goes where JupyterHub sends them.
    """

    def page_for(handler: Any) -> str:
        user = handler.current_user
        if user is None or snapshot().directory.open_teams_of(user.name, today()):
            return ""
        return f"{handler.hub.base_url}home"

    return page_for


def static_handlers() -> list[tuple[str, type[StaticFileHandler], dict[str, str]]]:
    """For `c.JupyterHub.extra_handlers`: our style and scripts below `/hub/fairihub-static/`."""
    shared = {"path": str(STANDING.parent)}
    return [
        (rf"/fairihub-static/({STANDING.name})", PortalStaticHandler, shared),
        (r"/fairihub-static/(.*)", PortalStaticHandler, {"path": str(STATIC)}),
    ]


def page_handlers(
    *,
    snapshot: Callable[[], Snapshot],
    mismatches: Mismatches = no_mismatches,
    written: Written = str,
) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """For `c.JupyterHub.extra_handlers`: the page of each team, and that of one's server's log.

    Args:
        written: a hub name as the login that team files write.
    """
    given = {"snapshot": snapshot, "mismatches": mismatches, "written": written}
    return [(r"/team/([^/]+)", TeamPageHandler, given), (r"/log", LogPageHandler, {})]


def security_headers() -> dict[str, str]:
    """For `c.JupyterHub.tornado_settings["headers"]`, beside the policy that JupyterHub sets.

    No Content-Security-Policy here: it would replace the hub's own, which differs for its API.
    """
    return {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
    }


class PortalStaticHandler(StaticFileHandler):
    """Static files that a browser keeps for a year if it asked for a version, else asks again."""

    def set_extra_headers(self, path: str) -> None:
        known = "v" in self.request.arguments
        self.set_header(
            "Cache-Control", "public, max-age=31536000, immutable" if known else "no-cache"
        )
        self.set_header("X-Content-Type-Options", "nosniff")


def _server_now(user: Any) -> ServerNow:
    spawner = user.spawner
    return ServerNow(
        state=state_of(spawner), choice=last_choice(spawner), since=started_at(spawner)
    )


def _asked_for(spawner: Any) -> str | None:
    """What a link to the page asks for; of one from another site the page only takes notice."""
    if spawner.handler is None:
        return None
    asked: str | None = spawner.handler.get_query_argument("profile", None)
    return asked


def _language_of(spawner: Any, default: str) -> str:
    if spawner.handler is None:
        return default
    return preferred(spawner.handler.request.headers.get("Accept-Language", ""), default)


def _home_url(spawner: Any) -> str:
    return "" if spawner.handler is None else f"{spawner.handler.hub.base_url}home"


def _static_version() -> str:
    digest = sha256()
    for file in (STANDING, *sorted(STATIC.iterdir())):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
