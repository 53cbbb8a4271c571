"""What the hub's log says of each request: tornado's `log_function`."""

from __future__ import annotations

from jupyterhub.handlers.pages import HealthCheckHandler
from jupyterhub.metrics import prometheus_log_method
from tornado.web import RequestHandler, StaticFileHandler

from fairihub_core import logs


def log_request(handler: RequestHandler) -> None:
    """In place of JupyterHub's own, which also counts the request."""
    logs.log_request(handler, isinstance(handler, StaticFileHandler | HealthCheckHandler))
    prometheus_log_method(handler)
