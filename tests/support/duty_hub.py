"""Further configuration of the tests' hub: the audit log, what follows a removal, the hub's API."""

from __future__ import annotations

CONFIG = """
from datetime import timedelta
import fairihub_core.clock

def shifted(real=fairihub_core.clock.now):
    "The time of these tests: as many days later as a file says."
    days = data / "days"
    return real() + timedelta(days=int(days.read_text()) if days.exists() else 0)

fairihub_core.clock.now = shifted

from jupyterhub.log import log_request
from fairihub_auth import intake, removal as removal_module
from fairihub_auth.audit_entries import record_tokens
from fairihub_auth.audit_log import Recorder
from fairihub_auth.continuity import Continuity
from fairihub_auth.handlers import Asked
from fairihub_auth.intake import bound_requests
from fairihub_auth.link_store import LinkStore
from fairihub_auth.operator_acts import recorded
from fairihub_core.callers import ADDRESS
from fairihub_auth.removal import Removal
from fairihub_auth.team_servers import team_server_handlers
from fairihub_core import scopes
from fairihub_core.places import Places
from fairihub_spawner.local import TeamLocalSpawner

removal_module.LOOK_SECONDS = 1.0
intake.BODY_SECONDS = 2.0
store = AuthStore.in_folder(data)
recorder = Recorder(data, store.record)
continuity = Continuity(
    data / "provider", os.environ.get("TEST_SIGN_IN", "links"),
    # Links are how most of these tests sign in, whatever provider the register has.
    knows=register.knows if "TEST_GITHUB" in os.environ else lambda name: True,
)
removal = Removal(
    publication.snapshot, recorder.record, data / "removed.json", continuity,
    drop_links=LinkStore(data / "links").drop,
)
publication.subscribe(removal.told)
record_tokens(recorder.record)

c.Gate.record = lambda entry: recorder.record(entry)
c.Gate.begun = lambda app: (bound_requests(app), removal.begin(app))
c.Gate.stays_out = lambda name: removal.stays_out(name)
c.Gate.signs_in = lambda name, app: removal.signs_in(name, app)
c.JupyterHub.tornado_settings = {
    ADDRESS: "https://known.example",
    "log_function": recorded(lambda entry: recorder.record(entry), log_request),
}
c.JupyterHub.cleanup_servers = False
c.JupyterHub.spawner_class = TeamLocalSpawner
c.JupyterHub.extra_user_scopes = list(scopes.MEMBER_SCOPES)
c.Spawner.poll_interval = 60  # so that the tests see who else ends a server
c.TeamLocalSpawner.directory = lambda: publication.snapshot().directory
c.TeamLocalSpawner.data = str(data)
c.TeamLocalSpawner.removal_grace = float(os.environ.get("TEST_GRACE", "300"))
c.TeamLocalSpawner.removed_at = lambda name: removal.removed_at(name)
c.TeamLocalSpawner.record = lambda entry: recorder.record(entry)
c.JupyterHub.extra_handlers = [
    *handlers_for(publication, Asked(
        snapshot=lambda: publication.snapshot(),
        accounts=lambda: register.accounts(),
        record=lambda entry: recorder.record(entry),
        audit=lambda wanted: store.audit(**dict(wanted)),
        unpin=lambda name: register.unpin(name),
        stays_out=lambda name: removal.stays_out(name),
    )),
    *team_server_handlers(lambda: publication.snapshot(), lambda entry: recorder.record(entry)),
]
c.JupyterHub.services += [
    {"name": name, "api_token": os.environ["TEST_TOKEN_" + name.upper()]}
    for name in ("cli", "reporter")
]
c.JupyterHub.load_roles += [
    {"name": "reporting", "scopes": [scopes.AUDIT], "services": ["reporter"]},
]
"""
