"""The hub of the tests, but it looks through its proxy's routes as seldom as a real one, begins
before it is done with its servers, and lets admins of a team stop them."""

from fairihub_auth.team_servers import team_server_handlers
from fairihub_core import clock
from fairihub_core.snapshot import Snapshot
from tests.support.kube_hub import CONFIG

load_subconfig(str(CONFIG))  # noqa: F821
c = get_config()  # noqa: F821
read = c.FairihubSpawner.directory
c.JupyterHub.last_activity_interval = 300
c.JupyterHub.init_spawners_timeout = 1
c.JupyterHub.extra_handlers += team_server_handlers(
    lambda: Snapshot(number=1, taken=clock.now(), directory=read()), print
)
