"""A real hub for the tests of its pages: demo teams, fixed links, starts that wait or fail."""

import asyncio
import json
import os
from datetime import date, datetime, timezone
from pathlib import Path
from types import SimpleNamespace

from fairihub_auth.handlers import Asked, handlers_for
from fairihub_auth.links import LinkAuthenticator
from fairihub_auth.publication import Publication
from fairihub_auth.team_servers import team_server_handlers
from fairihub_core.findings import Finding
from fairihub_core.operators import Operator
from fairihub_core.people import Person
from fairihub_core.places import Places
from fairihub_core.resolution import HUB, Mismatch
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from fairihub_portal import wiring
from fairihub_portal.token_rights import RIGHTS
from fairihub_spawner.start_handlers import start_handlers
from tests.portal import stand_ins
from tests.portal.stepwise import StepwiseSpawner

GIB = 2**30
told = json.loads(os.environ["PORTAL_TEST"])
folder = Path(told["folder"])

urban = Team(
    name="urban-climate",
    namespace="urban-climate",
    expires=date(2099, 12, 31),
    members=(
        Member(login="ada", role="admin"),
        Member(login="bob"),
        Member(login="cleo", rights=frozenset({"notebooks"}), expires=date(2099, 6, 30)),
        Member(login="gone", expires=date(2024, 6, 30)),
    ),
    seconds={"user": 144000},
    profiles=(
        Profile(
            slug="small",
            display_name="Small",
            description="Reading, plotting and trying things out on a sample.",
            mem_guarantee=2 * GIB,
            mem_limit=4 * GIB,
            cpu_guarantee=0.5,
            cpu_limit=2,
            s3_bucket_name="urban-climate",
            default=True,
        ),
        Profile(
            slug="large",
            display_name="Large",
            description="Whole regions in memory: cubes, mosaics, training data.",
            node_purpose="userM5n2xl",
            mem_guarantee=28 * GIB,
            mem_limit=30 * GIB,
            cpu_guarantee=7,
            cpu_limit=8,
            s3_bucket_name="urban-climate",
            secret_names=("sentinelhub", "cds-api"),
        ),
        Profile(
            slug="gpu",
            display_name="GPU",
            description="Training and inference with one graphics card.",
            node_purpose="gpu",
            mem_guarantee=28 * GIB,
            mem_limit=30 * GIB,
            cpu_guarantee=7,
            cpu_limit=8,
            gpu=1,
            s3_bucket_name="urban-climate",
        ),
    ),
)
biodiversity = Team(
    name="biodiversity",
    namespace="biodiversity",
    members=(Member(login="ada"), Member(login="carl", role="admin")),
    profiles=(
        Profile(
            slug="basic",
            display_name="Basic <b>&",
            description="Occurrence data and maps.",
            mem_limit=2 * GIB,
            cpu_limit=1,
        ),
        Profile(slug="bad", display_name="Bad", mem_limit=GIB),
    ),
)
closed = Team(
    name="coast-2023",
    namespace="coast",
    expires=date(2023, 12, 31),
    members=(Member(login="dora"), Member(login="carl", role="admin")),
)
idle = Team(name="idle-team", namespace="idle-team", members=(Member(login="eve"),))
directory = TeamDirectory(teams=(urban, biodiversity, closed, idle), operators=frozenset({"olga"}))
snapshot_now = Snapshot(
    number=1,
    taken=datetime.now(timezone.utc),
    directory=directory,
    files=(
        FileReport(
            path="teams/biodiversity.yaml",
            team="biodiversity",
            source="github.com/cubes/teams",
            revision="0123456789abcdef0123",
            findings=(
                Finding(
                    line=9,
                    severity="warning",
                    code="joined",
                    message="A number that a line break had torn was joined.",
                ),
            ),
            lines={"ada": 21, "carl": 23, "allowedLogins": 20},
        ),
        FileReport(
            path="teams/urban-climate.yaml",
            team="urban-climate",
            ok=False,
            source="github.com/cubes/teams",
            revision="0123456789abcdef0123",
            read="fedcba9876543210fedc",
            since=datetime(2026, 5, 1, 9, 30, tzinfo=timezone.utc),
            lines={"ada": 31, "bob": 33, "cleo": 35, "gone": 38, "allowedLogins": 30},
            findings=(
                Finding(
                    line=14,
                    column=3,
                    severity="error",
                    code="bad-memory",
                    message="mem_limit “3O GiB” is no number of bytes; write 32212254720.",
                ),
            ),
        ),
    ),
)
for secret in ("sentinelhub", "cds-api"):
    Places(folder).secret("urban-climate", secret).mkdir(parents=True)
machine = SimpleNamespace(memory="per-process", cpu="none")


def snapshot() -> Snapshot:
    """Without those whom a test has named in the file `removed`."""
    removed = (folder / "removed").read_text().split() if (folder / "removed").exists() else []
    if not removed:
        return snapshot_now
    teams = tuple(
        team.model_copy(
            update={"members": tuple(m for m in team.members if m.login not in removed)}
        )
        for team in directory.teams
    )
    without = TeamDirectory(teams=teams, operators=directory.operators)
    return snapshot_now.model_copy(update={"directory": without})


def directory_now() -> TeamDirectory:
    return snapshot().directory


def mismatches() -> tuple[Mismatch, ...]:
    return (
        Mismatch(team="urban-climate", login="dan", expected="583231", found="9919"),
        Mismatch(team=HUB, login="countess", expected="42", found="99"),
    )


def operators() -> tuple[Operator, ...]:
    ada = Person(name="ada", id="42", logins=("ada", "countess"))
    olga = Person(name="olga", id="1", logins=("olga",))
    return (
        Operator(login="countess", person=ada),
        Operator(login="olga", person=olga),
        Operator(login="opal"),
        Operator(login="oscar", account="8"),
    )


async def held_or_bad(spawner):
    while (folder / "held").exists():  # noqa: ASYNC110 (another process makes it)
        await asyncio.sleep(0.05)
    if spawner.user_options.get("profile") == "biodiversity.bad":
        error = RuntimeError("bad")
        error.jupyterhub_message = "The bucket of this profile cannot be reached."
        raise error


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{told['port']}{told['base']}"
c.JupyterHub.hub_port = told["hub_port"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{told['api_port']}"
c.ConfigurableHTTPProxy.command = [told["proxy"]]
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret_file = str(folder / "cookie-secret")
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.default_url = f"{told['base']}hub/home"
provider = told["provider"]
if provider == "links":
    c.JupyterHub.authenticator_class = LinkAuthenticator
    c.LinkAuthenticator.directory = directory_now
    c.LinkAuthenticator.links_folder = told["links"]
else:
    stand_ins.provider_for(
        c,
        f"http://127.0.0.1:{told['port']}{told['base']}hub/",
        f"http://127.0.0.1:{told['hub_port']}{told['base']}hub/",
        directory_now,
    )
c.JupyterHub.spawner_class = StepwiseSpawner
c.StepwiseSpawner.folder = str(folder)
c.TeamLocalSpawner.directory = directory_now
c.TeamLocalSpawner.removal_grace = 600
c.Spawner.poll_interval = 1
c.TeamLocalSpawner.data = str(folder)
c.Spawner.pre_spawn_hook = held_or_bad
c.Spawner.options_form = wiring.options_form(
    snapshot=snapshot, enforcement=machine, contact="help@example.org", shares_system_user=True
)
c.JupyterHub.template_paths = wiring.template_paths()
c.JupyterHub.jinja_environment_options = wiring.jinja_options()
c.JupyterHub.template_vars = wiring.template_vars(
    name="Cube Lab",
    colour=told["colour"],
    contact="help@example.org",
    idle_minutes=60,
    link_hours=24,
    enforcement=machine,
    snapshot=snapshot,
    mismatches=mismatches,
    operators=operators,
    provider=provider,
    services={"/services/catalog/": "Notebook Catalog", "/services/headless/": "Runs"},
)
c.JupyterHub.extra_handlers = [
    *wiring.static_handlers(),
    *wiring.page_handlers(snapshot=snapshot, mismatches=mismatches),
    *handlers_for(Publication(), Asked(snapshot=snapshot)),
    *team_server_handlers(snapshot, lambda entry: None),
    *start_handlers(directory_now),
    *stand_ins.handlers(),
]
c.JupyterHub.custom_scopes = {
    right.scopes[0]: {"description": right.label, "subscopes": []} for right in RIGHTS
}
c.JupyterHub.services = [
    {"name": "catalog", "api_token": "c" * 32, "display": False},
    {"name": "headless", "api_token": "h" * 32, "display": False},
]
c.JupyterHub.extra_user_scopes = sorted({scope for right in RIGHTS for scope in right.scopes})
c.JupyterHub.token_expires_in_max_seconds = 30 * 24 * 3600
c.JupyterHub.tornado_settings = {"headers": wiring.security_headers()}
