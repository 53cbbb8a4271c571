"""The hub of the tests, but it looks through the routes of its proxy as seldom as a real one, and
begins before it is done with its servers."""

from tests.support.kube_hub import CONFIG

load_subconfig(str(CONFIG))  # noqa: F821
c = get_config()  # noqa: F821
c.JupyterHub.last_activity_interval = 300
c.JupyterHub.init_spawners_timeout = 1
