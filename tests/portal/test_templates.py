"""Every page renders as the hub renders it, and text from outside stays text."""

import asyncio
import re
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jupyterhub
import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH

from fairihub_core.access import Closed, Denial
from fairihub_core.findings import Finding
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.starts import Diagnosis, Start, Step, notice
from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from fairihub_portal.forms import TEMPLATES
from fairihub_portal.team import team_page
from fairihub_portal.wiring import jinja_options, options_form, template_vars

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
MOMENT = datetime(2026, 5, 1, tzinfo=timezone.utc)
FAILED = Start(
    server="",
    profile=HOSTILE,
    began=MOMENT,
    state="failed",
    diagnosis=Diagnosis(
        phase="image",
        code="image-missing",
        who="team",
        message=HOSTILE,
        remedy=HOSTILE,
        detail=HOSTILE,
        values={"image": HOSTILE},
        final=True,
        since=MOMENT,
        queue=2,
    ),
    steps=(
        Step(name="scheduling", state="done", note="node-found", values={"node": HOSTILE}),
        Step(name="image", state="failed", message=HOSTILE, seconds=1.2),
    ),
    notices=(notice("image-not-pinned", image=HOSTILE),),
)
MACHINE = SimpleNamespace(memory="none", cpu="none")
PAGES = sorted(p.name for p in TEMPLATES.glob("*.html") if not p.name.startswith("_"))
SHOWN = [p for p in PAGES if p not in ("layout.html", "page.html")]
FOR_MEMBERS = (
    "home.html",
    "log.html",
    "spawn.html",
    "spawn_pending.html",
    "team.html",
    "token.html",
)
"""Shown by the hub only to those signed in."""
THEIRS = ("admin.html", "accept-share.html")
"""JupyterHub's own, in our frame."""


def environment(*, asynchronous: bool) -> Environment:
    """As JupyterHub makes it in `init_tornado_settings`."""
    theirs = str(Path(DATA_FILES_PATH) / "templates")
    loader = ChoiceLoader(
        [
            PrefixLoader({"templates": FileSystemLoader([theirs])}, "/"),
            FileSystemLoader([str(TEMPLATES), theirs]),
        ]
    )
    asked = {"enable_async": asynchronous, **jinja_options()}
    return Environment(loader=loader, autoescape=True, **asked)


def user_named(login: str, *, pending: str | None = None, ready: bool = False) -> Any:
    started = datetime(2026, 5, 1, 12) if ready else None
    return SimpleNamespace(
        name=login,
        escaped_name="ada",
        json_escaped_name="ada",
        spawner=SimpleNamespace(
            name="",
            pending=pending,
            _spawn_future=None,
            last_start=FAILED,
            log_lines=None,
            ready=ready,
            options_form=True,
            orm_spawner=SimpleNamespace(started=started, user_options={"profile": "uc1.small"}),
        ),
    )


def hostile_snapshot(login: str = HOSTILE) -> Snapshot:
    profile = Profile(slug="small", display_name=HOSTILE, s3_bucket_name=HOSTILE)
    team = Team(
        name="uc1",
        namespace="uc1",
        members=(Member(login=login, role="admin"), Member(login=HOSTILE + "2", role="admin")),
        profiles=(profile,),
    )
    finding = Finding(line=3, severity="error", code="x", message=HOSTILE)
    return Snapshot(
        number=1,
        taken=datetime(2026, 5, 1, tzinfo=timezone.utc),
        directory=TeamDirectory(teams=(team,)),
        files=(FileReport(path=HOSTILE, team="uc1", ok=False, findings=(finding,)),),
    )


def namespace(user: Any, **more: Any) -> dict[str, Any]:
    """What the hub and its handlers hand to the pages, all of it hostile."""
    snapshot = hostile_snapshot()
    said = template_vars(
        name=HOSTILE,
        colour="#0b7261",
        contact=HOSTILE,
        idle_minutes=60,
        link_hours=24,
        enforcement=MACHINE,
        snapshot=hostile_snapshot,
        services={"/services/catalog/": HOSTILE},
    )
    form = options_form(snapshot=hostile_snapshot, enforcement=MACHINE, contact=HOSTILE)
    token = SimpleNamespace(
        api_id="a1", note=HOSTILE, scopes=[HOSTILE], last_activity=None, created=None
    )
    token.expires_at = datetime(2026, 5, 1)
    client = {
        "token_id": "a2",
        "description": HOSTILE,
        "tokens": [token],
        "last_activity": None,
        "created": None,
    }
    said = {k: v(user) if callable(v) else v for k, v in said.items()}
    return {
        **said,
        "base_url": "/lab/hub/",
        "prefix": "/lab/",
        "user": user,
        "login_url": "/lab/hub/login",
        "logout_url": "/lab/hub/logout",
        "login_service": "",
        "authenticator_login_url": "/lab/hub/login?next=",
        "static_url": lambda path, **_: f"/lab/hub/static/{path}",
        "services": [SimpleNamespace(name="catalog", href="/lab/services/catalog/")],
        "parsed_scopes": {"admin-ui": True},
        "xsrf": "the-xsrf",
        "xsrf_token": "the-xsrf",
        "url": "/lab/hub/spawn",
        "for_user": user_named("ada"),
        "error_message": HOSTILE,
        "html_error_message": HOSTILE,
        "login_error": HOSTILE,
        "spawner_options_form": form(SimpleNamespace(user=user, handler=None, **vars(user.spawner)))
        if user
        else "",
        "progress_url": "/lab/hub/api/users/ada/server/progress",
        "spawn_url": "/lab/hub/spawn/ada",
        "server_name": HOSTILE,
        "failed": True,
        "failed_message": None,
        "failed_html_message": HOSTILE,
        "status_code": 400,
        "status_message": HOSTILE,
        "message": "",
        "message_html": HOSTILE,
        "exception": None,
        "team": team_page(snapshot.directory.teams[0], snapshot, date(2026, 5, 1)),
        "oauth_client": SimpleNamespace(description=HOSTILE, redirect_uri=HOSTILE),
        "scope_descriptions": [{"scope": "x", "description": HOSTILE, "filter": HOSTILE}],
        "allowed_scopes": [HOSTILE],
        "api_tokens": [token],
        "oauth_clients": [client],
        "owner": SimpleNamespace(name=HOSTILE),
        "spawner": SimpleNamespace(name=HOSTILE),
        "server_version": "6",
        "api_page_limit": 50,
        **more,
    }


def rendered(name: str, **more: Any) -> str:
    given = namespace(more.pop("user", user_named(HOSTILE, ready=True)), **more)
    return environment(asynchronous=False).get_template(name).render(**given)


def test_each_page_of_jupyterhub_has_one_of_ours():
    theirs = {p.name for p in (Path(DATA_FILES_PATH) / "templates").glob("*.html")}
    assert theirs <= set(PAGES), f"JupyterHub {jupyterhub.__version__} has new pages"


@pytest.mark.parametrize(
    ("name", "signed_in"),
    [(p, True) for p in SHOWN] + [(p, False) for p in SHOWN if p not in FOR_MEMBERS],
)
def test_every_page_renders_with_landmarks_and_without_injected_html(name, signed_in):
    html = rendered(name, user=user_named(HOSTILE, ready=True) if signed_in else None)
    assert "alert(1)</script>" not in html
    assert "<img src=x" not in html
    assert html.count("<main") == html.count('id="content"') == 1
    assert 'href="#content"' in html
    assert "<footer" in html
    assert "JupyterHub" not in re.sub(r"<script.*?</script>", "", html, flags=re.S) or name in (
        "admin.html",
        "accept-share.html",
    )


@pytest.mark.parametrize("name", SHOWN)
def test_the_asynchronous_environment_renders_the_same(name):
    given = namespace(user_named("ada", ready=True))
    page = environment(asynchronous=True).get_template(name)
    html = asyncio.run(page.render_async(**given))
    assert html == environment(asynchronous=False).get_template(name).render(**given)


@pytest.mark.parametrize("name", [p for p in SHOWN if p not in THEIRS])
def test_our_own_pages_have_no_script_in_them(name):
    html = rendered(name)
    assert "Content-Security-Policy" in html
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"\son\w+=", re.sub(r"onerror=alert", "", html)) == []


def test_safe_marks_only_html_of_our_own_or_of_the_hub():
    used = {
        (file.name, found)
        for file in TEMPLATES.glob("*.html")
        for found in re.findall(r"\{\{([^}]*?)\|\s*safe", file.read_text())
    }
    assert {(name, what.strip()) for name, what in used} == {
        ("_head.html", "portal.palette.css"),
        ("spawn.html", "spawner_options_form"),
    }


def test_the_style_is_the_one_that_the_policy_allows():
    made = namespace(None)["portal"].palette
    html = rendered("404.html", user=None)
    assert f"<style>{made.css}</style>" in html
    assert made.css_hash in html


CLOSED = Closed("uc1", date(2024, 12, 31), True, ("bob",))
ENDED = Closed("uc2", date(2025, 1, 31), False, ())


@pytest.mark.parametrize(
    ("denial", "said"),
    [
        (Denial("ada", "no-team"), ["No team lists you yet", "userName: ada", "help@example.org"]),
        (
            Denial("dörte", "unusable-login"),
            [
                "This login cannot be used here",
                "dörte",
                "begins with a letter or digit, ends with a letter, a digit or _",
                "No line of a team file helps",
            ],
        ),
        (Denial("ada", "closed", (CLOSED,)), ["Your team has closed", "2024-12-31", "bob"]),
        (Denial("ada", "closed", (ENDED,)), ["Your membership has ended", "uc2", "2025-01-31"]),
        (Denial("ada", "closed", (CLOSED, ENDED)), ["Your teams have closed", "uc1", "uc2"]),
        (None, ["You may not do this", "because"]),
    ],
)
def test_a_denial_says_who_why_and_whom_to_ask(denial, said):
    error = SimpleNamespace(denial=denial) if denial else SimpleNamespace()
    given = namespace(None, exception=error, message="because", status_code=403)
    given["portal"] = template_vars(
        name="Lab",
        colour="#123",
        contact="help@example.org",
        idle_minutes=60,
        link_hours=24,
        enforcement=MACHINE,
        snapshot=hostile_snapshot,
    )["portal"]
    html = environment(asynchronous=False).get_template("403.html").render(**given)
    text = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert [words for words in said if words not in text] == []


def test_the_admin_of_a_closed_team_reads_where_the_file_says_so():
    commit = "0123456789abcdef"
    file = FileReport(path="uc1.yaml", team="uc1", revision=commit, lines={"expirationDate": 6})
    snapshot = hostile_snapshot().model_copy(update={"files": (file,)})
    given = namespace(None, status_code=403)
    more = {"contact": "", "idle_minutes": 60, "link_hours": 24, "enforcement": MACHINE}
    said = template_vars(name="Lab", colour="#123", snapshot=lambda: snapshot, **more)
    given |= {"portal": said["portal"], "end_of": said["end_of"](None)}
    pages = {}
    for closed in (replace(CLOSED, own=True), CLOSED):
        given["exception"] = SimpleNamespace(denial=Denial("ada", "closed", (closed,)))
        html = environment(asynchronous=False).get_template("403.html").render(**given)
        pages[closed.own] = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "You are its admin; the date stands in uc1.yaml, line 6, at 0123456789ab." in pages[True]
    assert "Put a later date there" in pages[True]
    assert "uc1.yaml" not in pages[False]
    assert "An admin of the team can" in pages[False]


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("help@example.org", 'href="mailto:help@example.org"'),
        ("https://example.org/help/", 'href="https://example.org/help/"'),
        ("javascript:alert(1)", None),
        ("room 3, ask Ada", None),
    ],
)
def test_a_contact_is_a_link_only_if_it_is_an_address(contact, link):
    macros = environment(asynchronous=False).get_template("_macros.html").module
    html = macros.contact(contact)
    assert (link in html) if link else ("<a" not in html)


@pytest.mark.parametrize(
    ("contact", "way"),
    [
        ("help@example.org", 'id="request-mail" href="mailto:help@example.org?subject='),
        ("https://example.org/help", '<a href="https://example.org/help">'),
        ("room 3, ask Ada", "or ask here: room 3, ask Ada."),
        ("", "Send them to an admin of your team."),
        (HOSTILE, "or ask here: &#34;&#39;&gt;&lt;script&gt;"),
    ],
)
def test_a_request_goes_to_whom_the_settings_name(contact, way):
    denial = Denial(HOSTILE, "no-team", number="7")
    given = namespace(None, exception=SimpleNamespace(denial=denial), status_code=403)
    given["portal"] = replace(given["portal"], contact=contact, provider="github")
    html = environment(asynchronous=False).get_template("403.html").render(**given)
    assert way in html
    assert ("request-mail" in html) == ("mailto" in way)
    assert "<script>alert" not in html


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("oidc", ["renamed at Keycloak", "login_claim"]),
        ("github", ["renamed at Keycloak"]),
        ("links", []),
    ],
)
def test_a_login_that_cannot_be_used_asks_for_no_lines(provider, said):
    denial = Denial("dörte", "unusable-login", number="7")
    given = namespace(None, exception=SimpleNamespace(denial=denial), status_code=403)
    given["portal"] = replace(given["portal"], provider=provider, provider_name="Keycloak")
    html = environment(asynchronous=False).get_template("403.html").render(**given)
    assert "userName" not in html
    words = ["renamed at Keycloak", "login_claim"]
    assert [word for word in words if word in html] == said


@pytest.mark.parametrize("page", ["403.html", "login.html"])
@pytest.mark.parametrize(
    "denial",
    [
        Denial(HOSTILE, "no-team", number=HOSTILE),
        Denial(HOSTILE, "another-person", number=HOSTILE),
        Denial(HOSTILE, "unusable-login", number=HOSTILE),
        Denial(HOSTILE, "closed", (Closed(HOSTILE, date(2024, 12, 31), True, (HOSTILE,)),)),
        Denial(HOSTILE, "closed"),
    ],
    ids=lambda denial: denial.reason,
)
def test_a_denial_shows_hostile_names_as_text(page, denial):
    error = SimpleNamespace(denial=denial)
    given = namespace(None, exception=error, denial=denial, login_service=HOSTILE, status_code=403)
    for provider in ("github", "oidc", "links"):
        given["portal"] = replace(given["portal"], provider=provider, provider_name=HOSTILE)
        html = environment(asynchronous=False).get_template(page).render(**given)
        assert "<script>alert" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("503.html", SimpleNamespace(provider_name=HOSTILE, since=datetime(2026, 5, 1))),
        ("503.html", SimpleNamespace(provider_name=HOSTILE)),
        ("400.html", SimpleNamespace(code="sign-in-cancelled")),
        ("400.html", SimpleNamespace(code="sign-in-failed")),
        ("400.html", SimpleNamespace(code="sign-in-stale")),
    ],
)
def test_a_failed_sign_in_shows_hostile_names_as_text(name, error):
    given = namespace(None, exception=error, status_code=int(name[:3]), message=HOSTILE)
    given["portal"] = replace(given["portal"], provider="oidc", provider_name=HOSTILE)
    html = environment(asynchronous=False).get_template(name).render(**given)
    assert "<script>alert" not in html
    assert HOSTILE not in html
    assert ("First noticed" in html) == hasattr(error, "since")


def test_the_way_out_of_the_provider_is_offered_where_there_is_one():
    with_way = rendered("logout.html", user=None, provider_sign_out="https://id.example.org/end")
    assert 'href="https://id.example.org/end"' in with_way
    assert "provider-sign-out" not in rendered("logout.html", user=None)


def test_signing_in_elsewhere_is_one_button():
    html = rendered("login.html", user=None, login_service="GitHub", login_error=None)
    assert "Sign in with GitHub" in html
    assert "login.js" not in html
    assert "link-form" not in html


def test_home_tells_what_to_know_of_a_server_that_runs():
    said = "names the image “&#34;&#39;&gt;&lt;script"
    assert said in rendered("home.html", user=user_named("ada", ready=True))
    assert said in rendered("stop_pending.html", user=user_named("ada", pending="stop"))
    assert said not in rendered("home.html", user=user_named("ada"))


def test_a_start_that_is_lost_says_why_while_it_is_cleared_away():
    for page in ("stop_pending.html", "home.html"):
        html = rendered(page, user=user_named("ada", pending="stop"))
        assert 'id="failure"' in html, page
        assert "image-missing" in html, page
        user = user_named("ada", pending="stop")
        user.spawner.last_start = FAILED.model_copy(update={"state": "ready", "diagnosis": None})
        assert 'id="failure"' not in rendered(page, user=user), page


@pytest.mark.parametrize(
    ("pending", "ready", "says"),
    [
        (None, True, "Open JupyterLab"),
        ("spawn", False, "Follow the start"),
        ("stop", False, "Stopping"),
        (None, False, "Choose a profile and start"),
    ],
)
def test_home_offers_what_the_state_of_the_server_allows(pending, ready, says):
    user = user_named("ada", pending=pending, ready=ready)
    if pending == "spawn":  # and is not lost already
        user.spawner.last_start = FAILED.model_copy(update={"state": "starting"})
    html = rendered("home.html", user=user)
    assert says in html
    assert ('id="stop"' in html) == (ready or pending == "spawn")
    assert ('id="another"' in html) == ready
    assert "idle for 60 minutes" in html
