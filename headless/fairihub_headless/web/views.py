"""What clients are shown of processes and runs: pure functions from models to documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from fairihub_headless.glued import Glued
from fairihub_headless.masking import masked
from fairihub_headless.models import ECHO, PROCESS, Run, RunState
from fairihub_headless.processes.model import Process
from fairihub_headless.results.left import Found, LeftFile, is_result
from fairihub_headless.results.retention import expires
from fairihub_headless.settings import Rules
from fairihub_headless.store.listing import Page
from fairihub_headless.web.answers import FileEntry, FileList, JobList, Link, StatusInfo
from fairihub_headless.web.asked import ListQuery

_SHOWN_AS_IT_IS = (
    "progress", "team", "profile", "limits", "cell", "cells", "failure", "attempt", "retries",
    "priority", "deadline", "source", "environment", "pinned",
)  # fmt: skip
MOST_LISTED = 10_000
"""So many files are on a page of their list, and in the results."""
_RELS = "http://www.opengis.net/def/rel/ogc/1.0/"
_CLASSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMANCE = tuple(
    _CLASSES + name
    for name in (
        "core",
        "ogc-process-description",
        "json",
        "html",
        "oas30",
        "job-list",
        "dismiss",
    )
)
"""Only what our tests prove."""
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
"""The media type of the document about the API."""


def landing(base: str, hub: str) -> dict[str, Any]:
    links = [
        _link(base, "", "self", "This page"),
        _link(base, "openapi", "service-desc", "The API, as OpenAPI 3.0",
              OPENAPI),
        _link(base, "openapi?f=html", "service-doc", "The API, as a page", "text/html"),
        _link(base, "conformance", _RELS + "conformance", "What this service conforms to"),
        _link(base, "processes", _RELS + "processes", "The processes"),
        _link(base, "jobs", _RELS + "job-list", "Your jobs"),
    ]  # fmt: skip
    return {
        "title": f"Runs of {hub}",
        "description": "Runs notebooks without a browser, as OGC API – Processes.",
        "links": _plain(links),
    }


def process_summary(process: Process, base: str) -> dict[str, Any]:
    return {
        "id": process.id,
        "title": process.title,
        "description": process.description,
        "keywords": list(process.keywords),
        "version": process.version,
        "jobControlOptions": list(process.controls),
        "outputTransmission": ["value", "reference"],
        "links": _plain([_link(base, f"processes/{process.id}", "self", "Description")]),
    }


def process_list(
    processes: Sequence[Process], base: str, *, limit: int, offset: int
) -> dict[str, Any]:
    """A page of the processes, with the ways to its neighbours."""

    def page(to: int, rel: str, title: str) -> Link:
        asked = urlencode({"limit": limit, **({"offset": to} if to else {})})
        return _link(base, f"processes?{asked}", rel, title)

    links = [
        page(offset, "self", "This page"),
        _link(base, "processes?f=html", "alternate", "The same as a page", "text/html"),
    ]
    if offset + limit < len(processes):
        links.append(page(offset + limit, "next", "More processes"))
    if offset > 0:
        links.append(page(max(0, offset - limit), "prev", "Earlier processes"))
    shown = processes[offset : offset + limit]
    return {
        "processes": [process_summary(process, base) for process in shown],
        "links": _plain(links),
    }


def process_description(process: Process, base: str) -> dict[str, Any]:
    """The process with all its inputs and outputs."""
    path = f"processes/{process.id}"
    links = [
        _link(base, f"{path}/execution", _RELS + "execute", "Execute"),
        _link(base, f"{path}?f=html", "alternate", "The same as a page", "text/html"),
    ]
    summary = process_summary(process, base)
    return {
        **summary,
        "inputs": {
            name: {
                "title": name,
                "description": told.description,
                "schema": dict(told.schema),
                "minOccurs": int(told.required),
                "maxOccurs": 1,
            }
            for name, told in process.inputs.items()
        },
        "outputs": {
            name: {"title": name, "description": told.description, "schema": dict(told.schema)}
            for name, told in process.outputs.items()
        },
        "links": [*summary["links"], *_plain(links)],
    }


def status_info(run: Run, base: str, *, own: bool, rules: Rules) -> StatusInfo:
    """The public face of a run; nothing in it is a secret.

    Args:
        own: whether its owner asks, who alone gets at what it left.
        rules: how long that is kept.
    """
    started, finished = _written(run.started), _written(run.finished)
    return StatusInfo(
        **{name: getattr(run, name) for name in _SHOWN_AS_IT_IS},
        jobID=run.id,
        owner=run.owner,
        processID=run.process,
        status=run.state,
        message=f"{run.message} It is stopping." if run.stopping else run.message,
        created=run.created.isoformat(),
        started=started,
        finished=finished,
        updated=run.updated.isoformat(),
        job_start_datetime=started,
        job_end_datetime=finished,
        parameters=_inputs(run),
        title=run.title or None if own else None,
        notebook_digest=run.digest,
        expires=_written(expires(run, rules)),
        expired=_written(run.expired),
        links=_ways(run, base, own),
    )


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _ways(run: Run, base: str, own: bool) -> list[Link]:
    """Where a run leads to."""
    path = f"jobs/{run.id}"
    links = [
        _link(base, path, "self", "This job"),
        _link(base, f"{path}/logs", "related", "Its log", "text/plain"),
    ]
    if not own or run.expired is not None:
        return links
    links += [
        _link(base, f"{path}/files", "related", "The files it left"),
        _link(base, f"{path}/files.zip", "related", "All of them, and the log", "application/zip"),
    ]
    if run.process == PROCESS and run.state.ended:
        links.append(_link(base, f"{path}/report", "related", "What it did", "text/html"))
    if run.state is RunState.successful:
        links.append(_link(base, f"{path}/results", _RELS + "results", "Its results"))
    if run.state is RunState.failed:
        links.append(_link(base, f"{path}/results", _RELS + "exceptions", "Why it failed"))
    return links


def job_list(page: Page, base: str, asked: ListQuery, login: str, rules: Rules) -> JobList:
    """A page of jobs with the ways to its neighbours, as `login` may see them."""

    def way(query: str, rel: str, title: str) -> Link:
        return _link(base, f"jobs?{query}".rstrip("?"), rel, title)

    links = [way(asked.query(), "self", "This page")]
    if page.older is not None:
        links.append(way(asked.query(offset=0, place=page.older), "next", "The next page"))
    if page.newer is not None:
        links.append(way(asked.query(offset=0, place=page.newer), "prev", "The page before"))
    return JobList(
        jobs=[status_info(r, base, own=r.owner == login, rules=rules) for r in page.runs],
        numberMatched=page.total,
        numberReturned=len(page.runs),
        links=links,
    )


def file_list(run: Run, found: Found, base: str, *, limit: int, offset: int) -> FileList:
    """A page of the files that a run left, with the ways to its neighbours."""

    def page(to: int, rel: str, title: str) -> Link:
        asked = urlencode({"limit": limit, "offset": to})
        return _link(base, f"jobs/{run.id}/files?{asked}", rel, title)

    shown = found.files[offset : offset + limit]
    links = [_link(base, f"jobs/{run.id}", "up", "The job")]
    if offset + limit < len(found.files):
        links.append(page(offset + limit, "next", "More files"))
    if offset > 0:
        links.append(page(max(0, offset - limit), "prev", "Earlier files"))
    return FileList(
        files=[
            FileEntry(name=f.name, size=f.size, type=f.type, href=_file_url(run, f.name, base))
            for f in shown
        ],
        numberMatched=len(found.files),
        numberReturned=len(shown),
        left_out=found.left_out,
        left_out_count=found.left_out_count,
        links=links,
    )


def results_document(
    run: Run, found: Glued, files: Sequence[LeftFile], notebook: LeftFile | None, base: str
) -> dict[str, Any]:
    """Everything that a run of a notebook brought; the executed notebook and files as links.

    Args:
        notebook: the executed notebook among the files.
    """
    return {
        "scraps": found.scraps,
        "displays": found.displays,
        "notebook": notebook and _reference(run, notebook, base),
        "files": _references(run, [f for f in files if is_result(f.name)], base),
    }


def _references(run: Run, files: Sequence[LeftFile], base: str) -> list[dict[str, Any]]:
    """Links to the first files; where there are more, the way to the list of all is the last."""
    links = [_reference(run, file, base) for file in files[:MOST_LISTED]]
    if len(files) > MOST_LISTED:
        title = f"All {len(files):,} files"
        links.append(_link(base, f"jobs/{run.id}/files", "related", title).model_dump())
    return links


def _reference(run: Run, file: LeftFile, base: str) -> dict[str, Any]:
    return {"href": _file_url(run, file.name, base), "type": file.type, "title": file.name}


def _file_url(run: Run, name: str, base: str) -> str:
    return f"{base}jobs/{run.id}/files/{quote(name)}"


def _inputs(run: Run) -> dict[str, Any]:
    """The inputs as they were understood, without what was left out."""
    if run.process == ECHO:
        return dict(masked(run.parameters))
    given = {
        "notebook": run.notebook,
        "kernel": run.kernel,
        "output_filename": run.output_filename,
        "output_dirname": run.output_dirname,
        "result_data_directory": run.result_data_directory,
        "git_revision": run.git_revision,
    }
    shown = {name: value for name, value in given.items() if value is not None}
    return {**shown, "parameters_json": masked(run.parameters)}


def _link(base: str, path: str, rel: str, title: str, kind: str = "application/json") -> Link:
    return Link(href=base + path, rel=rel, type=kind, title=title)


def _plain(links: Sequence[Link]) -> list[dict[str, Any]]:
    return [link.model_dump() for link in links]
