"""The route table: every address of the service, from which OpenAPI is made too."""

from __future__ import annotations

from typing import Any

from tornado.web import Application

from fairihub_core.scopes import READ_RUNS, RUN
from fairihub_headless.web import (
    about,
    delivering,
    executing,
    following,
    jobs,
    logs,
    outcomes,
    repeating,
)
from fairihub_headless.web.answering import Service, log_request
from fairihub_headless.web.asked import QUERY
from fairihub_headless.web.base_handler import REPLAYED as _REPLAYED
from fairihub_headless.web.base_handler import Callback, NotFound
from fairihub_headless.web.routing import Answer, Operation, Route
from fairihub_headless.web.views import OPENAPI

_RAW = ("text/plain", "application/x-ipynb+json", "multipart/related")
_AT_ONCE = Answer(
    200, "The results, if they were waited for", "Results",
    ("application/json", *_RAW), ("Link", "Preference-Applied", _REPLAYED),
)  # fmt: skip
_LINKS = Answer(204, "Outputs by reference only", tells=("Link",))
_ELSEWHERE = Answer(303, "The file that the notebook named as its result", tells=("Location",))
_NO_PAGE = Answer(422, "No page could be made of it; this one says why", kinds=("text/html",))
_KNOWN = Answer(304, "The caller has it already")
_IN_BUCKET = Answer(307, "It is had from a bucket", tells=("Location",))


def _part(kind: str) -> Answer:
    return Answer(206, "The part that `Range` asks for", kinds=(kind,), tells=("Content-Range",))


_EXECUTE: dict[str, Any] = {
    "needs": RUN, "status": 201, "gives": "StatusInfo", "takes": "Execute", "query": (),
    "hears": ("Prefer", "Idempotency-Key"), "tells": ("Location", "Preference-Applied", _REPLAYED),
    "or_else": (_AT_ONCE, _LINKS, _ELSEWHERE), "refuses": (409, 410, 500),
}  # fmt: skip


def _open(name: str, summary: str, **more: Any) -> Operation:
    """What whoever may use the service may read."""
    return Operation("GET", name, summary, needs=None, **more)


def _of_runs(name: str, summary: str, **more: Any) -> Operation:
    return Operation("GET", name, summary, needs=READ_RUNS, **more)


ROUTES: tuple[Route, ...] = (
    # Its page lists runs, and asks for READ_RUNS itself.
    Route("", about.Landing, (_open("getLanding", "The landing page", gives="LandingPage"),)),
    Route("/conformance", about.Conformance,
          (_open("getConformance", "What is conformed to", gives="ConformanceClasses"),)),
    Route("/openapi", about.OpenApi,
          (_open("getOpenapi", "This document", kind=OPENAPI, also=("application/json",)),)),
    Route("/processes", about.Processes,
          (_open("getProcesses", "The processes", gives="ProcessList",
                 query=("processes.limit", "offset", "f")),)),
    Route("/processes/{processID}", about.Process,
          (_open("getProcess", "One process, described", gives="ProcessDescription"),)),
    Route(
        "/processes/{processID}/execution",
        executing.Execution,
        (Operation("POST", "execute", "Accepts a run", **_EXECUTE),),
    ),
    Route(
        "/processes/{processID}/jobs",
        executing.Execution,
        (Operation("POST", "executeLegacy", "As `execution`, for older clients", **_EXECUTE),),
    ),
    Route(
        "/jobs",
        jobs.Jobs,
        (_of_runs("getJobs", "Your jobs, or those of a team, newest first", gives="JobList",
                  query=QUERY),),
    ),
    Route(
        "/jobs/{jobID}",
        jobs.Job,
        (
            _of_runs("getStatus", "How a job stands", gives="StatusInfo"),
            Operation("DELETE", "dismiss", "Cancels a job", needs=RUN, gives="StatusInfo",
                      query=("if",), refuses=(409, 410)),
        ),
    ),
    Route(
        "/jobs/{jobID}/events",
        following.Follow,
        (_of_runs("followJob", "A job as it happens: server-sent events", kind="text/event-stream",
                  query=("last_event_id",), hears=("Last-Event-ID",), refuses=(429,)),),
    ),
    Route(
        "/jobs/{jobID}/cancel",
        jobs.Cancel,
        (
            Operation("GET", "askToCancel", "Asks whether a job is to be cancelled", needs=RUN),
            Operation("POST", "cancel", "Cancels a job", needs=RUN),
        ),
        for_people=True,
    ),
    Route(
        "/jobs/{jobID}/again",
        repeating.Again,
        (Operation("POST", "repeat", "Accepts a run of the same notebook, with changes", needs=RUN,
                   status=201, gives="StatusInfo", takes="Again", query=(),
                   hears=("Idempotency-Key",), tells=("Location", _REPLAYED),
                   refuses=(409, 410)),),
    ),
    Route(
        "/jobs/{jobID}/repeat",
        repeating.AgainForm,
        (
            Operation("GET", "askToRepeat", "Asks what is to change", needs=RUN),
            Operation("POST", "repeatByForm", "Runs it again", needs=RUN),
        ),
        for_people=True,
    ),
    Route(
        "/jobs/{jobID}/pin",
        repeating.Pin,
        (
            Operation("PUT", "pin", "Keeps what a job left, whatever its age", needs=RUN,
                      gives="StatusInfo", query=(), refuses=(409, 410)),
            Operation("DELETE", "unpin", "Keeps it no longer than others", needs=RUN,
                      gives="StatusInfo", query=(), refuses=(410,)),
        ),
    ),
    Route(
        "/jobs/{jobID}/keep",
        repeating.PinForm,
        (Operation("POST", "keepByForm", "Pins or unpins", needs=RUN),),
        for_people=True,
    ),
    Route("/jobs/{jobID}/results", outcomes.Results,
          (_of_runs("getResult", "What a job brought", gives="Results", also=_RAW,
                    or_else=(_LINKS, _ELSEWHERE), refuses=(410, 413, 422, 429, 500)),)),
    Route("/jobs/{jobID}/results/{output}", delivering.OneOutput,
          (_of_runs("getOutput", "One output of a job", kind="text/plain", query=(),
                    also=("application/json", "application/x-ipynb+json"),
                    refuses=(410, 422, 500)),)),
    Route(
        "/jobs/{jobID}/logs",
        logs.Logs,
        (_of_runs("getLogs", "What a job printed", kind="text/plain",
                  query=("tail", "log.offset", "log.limit"),
                  hears=("Range",), or_else=(_part("text/plain"), _KNOWN), refuses=(410, 416)),),
    ),
    Route("/jobs/{jobID}/files", outcomes.Files,
          (_of_runs("getFiles", "The files a job left", gives="FileList",
                    query=("files.limit", "offset", "f"), refuses=(410,)),)),
    Route("/jobs/{jobID}/files.zip", outcomes.Archive,
          (_of_runs("getArchive", "All files a job left, and its log", kind="application/zip",
                    query=(), refuses=(410, 429)),)),
    Route("/jobs/{jobID}/report", outcomes.Report,
          (_of_runs("getReport", "What a job did, as a page", kind="text/html",
                    query=("code",), or_else=(_NO_PAGE,), refuses=(410, 429)),)),
    Route(
        "/jobs/{jobID}/files/{name}",
        outcomes.File,
        (_of_runs("getFile", "One file", kind="*/*", query=(), hears=("Range",),
                  or_else=(_part("*/*"), _KNOWN, _IN_BUCKET), refuses=(410, 416)),),
        rest="name",
    ),
)  # fmt: skip


def application(service: Service, cookie_secret: bytes) -> Application:
    """The whole of the web application."""
    rules = [
        (route.pattern(service.prefix), route.handler, {"service": service, "needs": route.needs})
        for route in ROUTES
    ]
    callback = service.prefix.rstrip("/") + "/oauth_callback"
    return Application(
        [(callback, Callback, {"service": service}), *rules],
        log_function=log_request,
        cookie_secret=cookie_secret,
        routes=ROUTES,
        default_handler_class=NotFound,
        default_handler_args={"service": service, "needs": {}},
    )
