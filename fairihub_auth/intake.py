"""How much the hub takes in of a request, and for how long, before it knows who asks."""

from __future__ import annotations

from typing import Any

MAX_BYTES = 2 * 1024 * 1024
"""Twice the largest body that any address of the hub takes: a webhook's."""
BODY_SECONDS = 15.0


def bound_requests(app: Any) -> None:
    """For `Gate.begun`: JupyterHub makes its server later, and has no setting for its limits."""

    def bound(_started: Any) -> None:
        app.http_server.conn_params.max_body_size = MAX_BYTES
        app.http_server.conn_params.body_timeout = BODY_SECONDS

    app._start_future.add_done_callback(bound)
