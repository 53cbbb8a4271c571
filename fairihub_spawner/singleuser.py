"""The single-user server, without a second and a half that its start would spend on nothing."""

from __future__ import annotations

import logging

from fairihub_core.lean import skip_slow_imports
from fairihub_core.logs import Queryless

_LOGGERS = ("ServerApp", "LabApp", "JupyterHubSingleUser", "tornado.general", "tornado.application")


def main() -> None:
    """Starts JupyterHub's single-user server."""
    skip_slow_imports()
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(Queryless())
    from jupyterhub.singleuser import main as serve

    serve()


if __name__ == "__main__":
    main()
