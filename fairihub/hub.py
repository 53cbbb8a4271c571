"""`python -m fairihub.hub`: JupyterHub with our configuration, started by `fairihub up`."""

from __future__ import annotations

import sys
from pathlib import Path

from fairihub_core.lean import skip_slow_imports


def main() -> None:
    """Runs the hub until it is told to stop."""
    skip_slow_imports()
    from jupyterhub.app import JupyterHub

    config = Path(__file__).with_name("hub_config.py")
    JupyterHub.launch_instance(["-f", str(config), *sys.argv[1:]])


if __name__ == "__main__":
    main()
