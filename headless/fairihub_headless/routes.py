"""The route table: every address of the service, from which OpenAPI is made too."""

from __future__ import annotations

from typing import Any

from tornado.web import Application

from fairihub_headless import handlers as h
from fairihub_headless.base_handler import Callback, NotFound, Service, log_request
from fairihub_headless.routing import Operation, Route

_EXECUTE: dict[str, Any] = {"status": 201, "gives": "StatusInfo", "takes": "Execute"}


def _get(name: str, summary: str, **more: Any) -> Operation:
    return Operation("GET", name, summary, **more)


ROUTES: tuple[Route, ...] = (
    Route("", h.Landing, (_get("getLanding", "The landing page"),)),
    Route("/conformance", h.Conformance, (_get("getConformance", "What is conformed to"),)),
    Route("/openapi", h.OpenApi, (_get("getOpenapi", "This document"),)),
    Route("/processes", h.Processes, (_get("getProcesses", "The processes"),)),
    Route("/processes/{processID}", h.Process, (_get("getProcess", "One process, described"),)),
    Route(
        "/processes/{processID}/execution",
        h.Execution,
        (Operation("POST", "execute", "Accepts a run", **_EXECUTE, query=()),),
    ),
    Route(
        "/processes/{processID}/jobs",
        h.Execution,
        (Operation("POST", "executeLegacy", "As `execution`, for older clients", **_EXECUTE,
                   query=()),),
    ),
    Route(
        "/jobs",
        h.Jobs,
        (_get("getJobs", "Your jobs, newest first", gives="JobList",
              query=("limit", "offset", "status", "f")),),
    ),
    Route(
        "/jobs/{jobID}",
        h.Job,
        (
            _get("getStatus", "How a job stands", gives="StatusInfo"),
            Operation("DELETE", "dismiss", "Dismisses a job", gives="StatusInfo"),
        ),
    ),
    Route("/jobs/{jobID}/results", h.Results, (_get("getResults", "What a job brought"),)),
    Route(
        "/jobs/{jobID}/logs",
        h.Logs,
        (_get("getLogs", "What a job printed", kind="text/plain", query=()),),
    ),
    Route("/jobs/{jobID}/files", h.Files,
          (_get("getFiles", "The files a job left", gives="FileList"),)),
    Route(
        "/jobs/{jobID}/files/{name}",
        h.File,
        (_get("getFile", "One file", kind="application/octet-stream", query=()),),
        rest="name",
    ),
)  # fmt: skip


def application(service: Service, cookie_secret: bytes) -> Application:
    """The whole of the web application."""
    given = {"service": service}
    rules = [(route.pattern(service.prefix), route.handler, given) for route in ROUTES]
    # For people only, so not in the table that the API is told from.
    cancel = Route("/jobs/{jobID}/cancel", h.Cancel, ())
    rules.append((cancel.pattern(service.prefix), cancel.handler, given))
    callback = service.prefix.rstrip("/") + "/oauth_callback"
    return Application(
        [(callback, Callback), *rules],
        log_function=log_request,
        cookie_secret=cookie_secret,
        routes=ROUTES,
        default_handler_class=NotFound,
        default_handler_args=given,
    )
