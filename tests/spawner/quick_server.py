"""A Jupyter server that looks for work often, so that a test need not wait for it."""

import sys

from jupyter_server.serverapp import ServerApp

from fairihub_spawner import activity

activity.look_every = lambda: 0.2
ServerApp.launch_instance(
    [
        "--ServerApp.jpserver_extensions=fairihub_spawner.activity=True",
        "--ServerApp.allow_root=True",
        "--ServerApp.open_browser=False",
        "--ServerApp.port_retries=0",
        *sys.argv[1:],
    ]
)
