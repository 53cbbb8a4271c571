"""The configuration of a hub whose people sign in by OpenID Connect; see `oidc_hub`."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from jupyterhub.proxy import Proxy

from fairihub_auth.oidc import OidcGate
from fairihub_auth.publication import Publication
from fairihub_auth.register import Register
from fairihub_auth.sources import FolderSource
from fairihub_auth.store import AuthStore
from fairihub_auth.watch import TeamWatch
from fairihub_core.audit import Entry
from fairihub_core.files import write_whole
from fairihub_core.people import Identity
from fairihub_core.resolution import ClaimRules
from fairihub_core.snapshot import Snapshot

told = json.loads(os.environ["TEST_OIDC"])
data = Path(told["data"])
writing = threading.Lock()


class NoProxy(Proxy):  # type: ignore[misc]
    """These tests talk to the hub itself."""

    should_start = False
    routes: dict[str, Any] = {}  # noqa: RUF012 - as in JupyterHub, of the one proxy there is

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self.routes.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, Any]:
        return dict(self.routes)


def record(entry: Entry) -> None:
    with writing, (data / "audit.jsonl").open("a") as file:
        file.write(entry.model_dump_json() + "\n")


def claims_are(name: str, claims: frozenset[str]) -> None:
    with writing, (data / "claims.jsonl").open("a") as file:
        file.write(json.dumps([name, sorted(claims)]) + "\n")
    register.claims_are(name, claims)


def admit(identity: Identity) -> Any:
    return register.admit(identity)


def published(before: Snapshot, after: Snapshot) -> None:
    write_whole(data / "snapshot.json", after.model_dump_json().encode())


publication = Publication()
publication.subscribe(published)
register = Register(
    AuthStore.in_folder(data),
    publication.put,
    provider="oidc",
    origin=f"oidc {told['issuer']}",
    rules=ClaimRules.model_validate(told["rules"]),
    operators=[],
)
watch = TeamWatch([FolderSource(data / "teams")], changed=register.teams_are)
watch.start()

c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.JupyterHub.hub_bind_url = told["url"]
c.JupyterHub.template_paths = [str(data / "templates")]
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.db_url = f"sqlite:///{data}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(data / "cookie_secret")
c.JupyterHub.authenticator_class = OidcGate
c.CryptKeeper.keys = [bytes.fromhex(told["crypt_key"])]
c.OidcGate.directory = lambda: publication.snapshot().directory
c.OidcGate.admit = admit
c.OidcGate.record = record
c.OidcGate.claims_are = claims_are
c.OidcGate.issuer = told["issuer"]
c.OidcGate.client_id = told["client_id"]
c.OidcGate.client_secret = told["client_secret"]
c.OidcGate.scope = told["scope"]
c.OidcGate.oauth_callback_url = f"{told['url']}/hub/oauth_callback"
c.OidcGate.login_service = "the Lab’s accounts"
c.OidcGate.refresh_minutes = told["refresh_minutes"]
c.OidcGate.provider_seconds = told["provider_seconds"]
c.JupyterHub.services = [{"name": "looker", "api_token": told["token"]}]
c.JupyterHub.load_roles = [
    {"name": "looking", "scopes": ["admin:users", "admin:auth_state"], "services": ["looker"]},
]
