"""The people of the matrix on a real hub: what each column is signed in as, and what is theirs.

Team rivers has an admin, a curator, a viewer, a fellow member whose things are asked about, and
one who is removed once everybody has come in. Otto is in another team, Opal an operator.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from tests.support.access.matrix import Ask
from tests.support.notebooks import notebook
from tests.support.running_hub import RunningHub, until, xsrf_of

LOGINS = {
    "removed": "rosa",
    "other": "otto",
    "viewer": "vera",
    "curator": "curt",
    "admin": "ada",
    "operator": "opal",
}
FELLOW = "mara"
SCOPES = ("run", "read-runs", "contribute", "curate")
CANARY = "canary-of-rivers"
"""Stands in everything that only the team may read."""
EXECUTE = "/services/headless/processes/execute-notebook/execution"
CONTRIBUTIONS = "/services/catalog/api/contributions"
SERVER = "/user/vera"

TEAM = """\
apiVersion: hub.eox.at/v1alpha1
kind: Customer
metadata:
  name: {name}
spec:
  k8s-namespace: {name}
  activations:
  - data:
      profile_small: {{display_name: Small, mem_limit: 1Gi, cpu_limit: 1}}
  allowedLogins:
{members}
"""


def team_file(name: str, *members: str) -> str:
    """A team file with one small profile; a member is what stands between the braces."""
    return TEAM.format(name=name, members="\n".join(f"  - {{userName: {m}}}" for m in members))


RIVERS = ("ada, role: admin", "curt, rights: [notebooks]", "vera", "mara", "rosa")


class Cast:
    """A running hub with everybody in it."""

    def __init__(self, hub: RunningHub, settings: str = "") -> None:
        self.hub = hub
        shutil.rmtree(hub.teams)
        hub.teams.mkdir()
        (hub.teams / "rivers.yaml").write_text(team_file("rivers", *RIVERS))
        (hub.teams / "hills.yaml").write_text(team_file("hills", "otto"))
        hub.settings.write_text(f"operators: [opal]\nremoval_grace_minutes: 60\n{settings}")
        for team in ("rivers", "public"):
            shutil.rmtree(hub.data / "library" / team, ignore_errors=True)
            (hub.data / "library" / team).mkdir(parents=True)
        self._library("public", "welcome", "welcome")
        self._library("rivers", "levels", CANARY)
        hub.start()
        self.scripts: dict[str, httpx.Client] = {}
        self.browsers: dict[str, httpx.Client] = {}
        self._made: dict[str, str] = {}

    def _library(self, team: str, slug: str, text: str) -> None:
        made = notebook(f"print({text!r})", title=text)
        path = self.hub.data / "library" / team / f"{slug}.ipynb"
        path.write_text(json.dumps(made))

    # --- everybody comes in ---

    def come_in(self, *, things: bool = True) -> None:
        """Everybody signs in, with a browser and with a script.

        Args:
            things: whether they also have runs, contributions and a server to ask about.
        """
        for column, login in LOGINS.items():
            self.scripts[column] = self.hub.api(login)
            self.browsers[column] = self._visitor(login)
        self.scripts["nobody"] = self.hub.client(follow_redirects=False)
        self.browsers["nobody"] = self.hub.client(follow_redirects=False)
        self.browsers["nobody"].get("/hub/login")
        for name in SCOPES:
            self.scripts[name] = self.limited("admin", f"custom:fairihub:{name}")
        self.hub.api(FELLOW)
        if things:
            self._make_things()

    def _visitor(self, login: str) -> httpx.Client:
        """A browser that has been on the hub and on both services."""
        browser = self.hub.sign_in(login)
        for service in ("catalog", "headless"):
            page = browser.get(f"/services/{service}/", headers={"Accept": "text/html"})
            assert page.status_code == 200, page.text[:500]
        browser.follow_redirects = False
        return browser

    def limited(self, column: str, *scopes: str) -> httpx.Client:
        """A script with a token that reaches both services and holds these scopes."""
        services = [f"access:services!service={name}" for name in ("catalog", "headless")]
        login = LOGINS[column]
        answer = self.scripts[column].post(
            f"/hub/api/users/{login}/tokens",
            json={"scopes": [*services, *scopes], "note": scopes[0], "expires_in": 3600},
        )
        assert answer.status_code == 201, answer.text
        token = answer.json()["token"]
        return self.hub.client(headers={"Authorization": f"token {token}"}, follow_redirects=False)

    def _make_things(self) -> None:
        for login in (*LOGINS.values(), FELLOW):
            if login != "opal":
                for which in ("run", "second-run"):
                    self._made[f"{login}/{which}"] = self._run(login)
                self._made[f"{login}/contribution"] = self._contribution(login)
        assert self._cli().post("/hub/api/users/spare-user").status_code == 201
        self.scripts["operator"].post("/hub/api/groups/spare-group")
        self.hub.start_server("vera", "small")
        home = f"{SERVER}/api/contents"
        for name in ("note.txt", "spare.txt"):
            body = {"type": "file", "format": "text", "content": CANARY}
            self.scripts["viewer"].put(f"{home}/{name}", json=body).raise_for_status()
        body = {"type": "notebook", "format": "json", "content": notebook(f"print({CANARY!r})")}
        self.scripts["viewer"].put(f"{home}/note.ipynb", json=body).raise_for_status()
        self._await_runs()

    def _cli(self) -> httpx.Client:
        token = (self.hub.data / "tokens" / "cli").read_text().strip()
        return self.hub.client(headers={"Authorization": f"token {token}"})

    def _run(self, login: str) -> str:
        identifier = "rivers.levels" if login != "otto" else "public.welcome"
        answer = self.hub.api(login).post(EXECUTE, json={"inputs": {"notebook": identifier}})
        assert answer.status_code == 201, answer.text
        run: str = answer.json()["jobID"]
        return run

    def _await_runs(self) -> None:
        for name, run in self._made.items():
            if name.endswith("run"):
                asks = self.hub.api(name.partition("/")[0])
                status = until(partial(_ended, asks, run), f"the end of {name}", 90)
                assert status["status"] == "successful", status

    def _contribution(self, login: str) -> str:
        team, title = ("hills", "Otto's") if login == "otto" else ("rivers", CANARY)
        body = {
            "filename": f"{login}.ipynb",
            "content": notebook("1 + 1", title=title),
            "team": team,
            "title": title,
        }
        answer = self.hub.api(login).post(CONTRIBUTIONS, json=body)
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["cid"]
        return made

    def remove(self) -> None:
        """Rosa is taken off the list, and everywhere has heard of it."""
        keep = [m for m in RIVERS if not m.startswith("rosa")]
        (self.hub.teams / "rivers.yaml").write_text(team_file("rivers", *keep))
        script = self.scripts["removed"]
        for path in ("/hub/api/user", "/services/catalog/api/me", "/services/headless/jobs"):
            refused = partial(_is_refused, script, path)
            until(refused, f"{path} refuses who was removed", 10)
        sent_away = partial(_is_refused, self.browsers["removed"], "/hub/home")
        until(sent_away, "the hub's pages are closed to who was removed", 10)

    # --- what the matrix asks ---

    def login_of(self, column: str) -> str:
        return {"nobody": "vera", **dict.fromkeys(SCOPES, "ada")}.get(column) or LOGINS[column]

    def ask(self, column: str, by: str, ask: Ask) -> httpx.Response:
        """The answer to one cell's request."""
        path = self.filled(ask.at, column)
        client = (self.browsers if by == "cookie" else self.scripts)[column]
        headers = {"Accept": "text/html" if by == "cookie" else "application/json"}
        more: dict[str, Any] = {}
        if by == "cookie" and ask.method not in ("GET", "HEAD", "OPTIONS"):
            base = "/hub/" if path.startswith("/hub/") else "/".join(path.split("/")[:3]) + "/"
            more["data"] = {**(ask.body or {}), "_xsrf": xsrf_if_any(client, base)}
        elif ask.body is not None:
            more["json"] = ask.body
        try:
            patience = 3 if ask.cells[column] == "broken" else 30
            return client.request(ask.method, path, headers=headers, timeout=patience, **more)
        except httpx.TimeoutException:
            return httpx.Response(504, text=f"{ask.method} {path} is not answered")

    def filled(self, path: str, column: str) -> str:
        """The address with things in place of the words in braces."""
        login = self.login_of(column)
        things: dict[str, Callable[[], str]] = {
            "me": lambda: login,
            "my_run": lambda: self._made[f"{login}/run"],
            "my_second_run": lambda: self._made[f"{login}/second-run"],
            "my_contribution": lambda: self._made[f"{login}/contribution"],
            "viewers_contribution": lambda: self._made["vera/contribution"],
            "run": lambda: self._made[f"{FELLOW}/run"],
            "contribution": lambda: self._made[f"{FELLOW}/contribution"],
            "spare_user": lambda: "spare-user",
            "spare_group": lambda: "spare-group",
            "my_server": lambda: self._with_server(login),
            "viewers_server": lambda: self._with_server(LOGINS["viewer"]),
            "my_token": lambda: self._token_of(login),
            "mara_token": lambda: self._token_of(FELLOW),
            "kernel": self._kernel,
            "session": self._session,
        }
        for name, thing in things.items():
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", thing())
        return path.replace("/user/NAME", SERVER)

    def _with_server(self, login: str) -> str:
        """The login; a server of the viewer's runs by then."""
        if login == LOGINS["viewer"] and not self.hub.server(login).get("ready"):
            self.hub.start_server(login, "small")
        return login

    def _token_of(self, login: str) -> str:
        """The id of a token made for this moment, if the hub still makes any for `login`."""
        body = {"note": "spare", "expires_in": 60}
        made = self._cli().post(f"/hub/api/users/{login}/tokens", json=body)
        return str(made.json().get("id", "a0"))

    def _kernel(self) -> str:
        if "kernel" not in self._made:
            made = self.scripts["viewer"].post(f"{SERVER}/api/kernels", json={"name": "python3"})
            self._made["kernel"] = made.json()["id"]
        return self._made["kernel"]

    def _session(self) -> str:
        if "session" not in self._made:
            body = {
                "path": "x.ipynb",
                "name": "x",
                "type": "notebook",
                "kernel": {"name": "python3"},
            }
            made = self.scripts["viewer"].post(f"{SERVER}/api/sessions", json=body)
            self._made["session"] = made.json()["id"]
        return self._made["session"]


def _is_refused(client: httpx.Client, path: str) -> bool:
    return client.get(path).status_code in (302, 401, 403)


def _ended(asks: httpx.Client, run: str) -> dict[str, Any] | None:
    status: dict[str, Any] = asks.get(f"/services/headless/jobs/{run}").json()
    return status if status["status"] not in ("accepted", "running") else None


def xsrf_if_any(client: httpx.Client, path: str) -> str:
    """The page's token; of who has none, one that is good for nothing."""
    try:
        return xsrf_of(client, path)
    except AssertionError:
        return "none"
