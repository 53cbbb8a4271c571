"""The service as a whole: starts runs, finds them again, and says what can be run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from fairihub_headless.client.errors import RunsError
from fairihub_headless.client.job import Job, started
from fairihub_headless.client.models import (
    JobList,
    ProcessDescription,
    ProcessList,
    State,
    StatusInfo,
)
from fairihub_headless.client.naming import named
from fairihub_headless.client.place import place_of
from fairihub_headless.client.transport import Patience, Transport

PROCESS = "execute-notebook"
_PAGE = 200


class RunsClient:
    """The runs of one person on one hub.

    ```python
    with RunsClient("https://hub.example.org", token) as runs:
        job = runs.run("public.monthly-summary", {"station": "Graz"})
        job.wait()
        print(job.results().scraps)
    ```

    Without `url` and `token` it takes `FAIRIHUB_URL` and `FAIRIHUB_TOKEN`; in a server of a hub it
    takes that hub, and the server's own token.

    Args:
        timeout: seconds without a word of the hub until a request has failed.
        patience: seconds for which a hub that is away is asked again.

    Raises:
        RunsError: `no-hub-named`, `bad-hub-url` or `no-token`.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        patience: float = 60.0,
    ) -> None:
        place = place_of(url, token, os.environ)
        self._transport = Transport(place, Patience(timeout, patience))

    def __enter__(self) -> RunsClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def url(self) -> str:
        """The address of the service; ends in a slash."""
        return self._transport.service

    def run(
        self,
        notebook: str | Path,
        parameters: Mapping[str, Any] | None = None,
        *,
        version: str | None = None,
        team: str | None = None,
        profile: str | None = None,
        kernel: str | None = None,
        retries: int | None = None,
        deadline: float | None = None,
        priority: str | None = None,
        key: str | None = None,
        **inputs: Any,
    ) -> Job:
        """Starts a run; it is stored when this returns.

        Args:
            notebook: as the hub names it: a path in your home there (`….ipynb`), or the id of a
                notebook of the catalogue. A `Path` means a file of this computer, which is sent.
            parameters: values for what the notebook's `parameters` cell declares.
            version: of a notebook of the catalogue; the present one, if nothing is said.
            key: two requests with the same key are one run; a new one for each, if nothing is said,
                so that a request which is sent again starts nothing twice.
            inputs: further inputs of `execute-notebook`, such as `mem_limit`.

        Raises:
            RunsError: why it is refused; nothing was started then.
        """
        given = {
            "notebook_version": version, "team": team, "profile": profile, "kernel": kernel,
            "retries": retries, "deadline": deadline, "priority": priority, **inputs,
        }  # fmt: skip
        chosen = {name: value for name, value in given.items() if value is not None}
        if parameters:
            chosen["parameters_json"] = dict(parameters)
        path = f"processes/{PROCESS}/execution"
        return started(self._transport, path, {**named(notebook), **chosen}, key)

    def processes(self) -> list[ProcessDescription]:
        """What can be run."""
        return self._transport.told(ProcessList, "GET", "processes").processes

    def process(self, name: str = PROCESS) -> ProcessDescription:
        """One process with its inputs and outputs."""
        return self._transport.told(ProcessDescription, "GET", f"processes/{quote(name, safe='')}")

    def job(self, job_id: str) -> Job:
        """A run that was started before.

        Raises:
            RunsError: `no-such-job`, also for runs that are not yours to see.
        """
        if job_id in ("", ".", ".."):  # an address made of these is that of something else
            raise RunsError("no-such-job", f"“{job_id}” is no id of a run.", 404)
        path = f"jobs/{quote(job_id, safe='')}"
        return Job(self._transport, self._transport.told(StatusInfo, "GET", path))

    def jobs(
        self,
        *,
        status: State | str | Iterable[State | str] = (),
        text: str | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
        sort: str | None = None,
        team: str | None = None,
        owner: str | None = None,
        **filters: str,
    ) -> Iterator[Job]:
        """Your runs, newest first, or those that you look after; page by page as they are taken.

        Args:
            status: only runs in this state, or one of these.
            text: words in the notebook's name or title, or in why it failed.
            since: asked for then or later; `until`: then or before. Days and moments in UTC.
            sort: `created`, `duration`, `notebook` or `status`; with `-` before it, falling.
            team: runs of this team: all for its admins, else only your own; `*` for all teams.
            owner: runs of this member, as far as you see them.
            filters: further ones that the service knows; its reference lists them.
        """
        states = [status] if isinstance(status, str) else list(status)
        wanted: list[tuple[str, str]] = [("limit", str(_PAGE))]
        wanted += [("status", State(state).value) for state in states]
        named = {
            "q": text, "datetime": _period(since, until), "sort": sort, "team": team,
            "owner": owner, **filters,
        }  # fmt: skip
        wanted += [(name, value) for name, value in named.items() if value is not None]
        while wanted:
            page = self._transport.told(JobList, "GET", "jobs", params=wanted)
            for info in page.jobs:
                yield Job(self._transport, info)
            onward = [link.href for link in page.links if link.rel == "next"]
            # Its query alone: the token goes to no other place that a link might name.
            wanted = parse_qsl(urlsplit(onward[0]).query) if onward else []


def _period(since: date | str | None, until: date | str | None) -> str | None:
    if since is None and until is None:
        return None
    return "/".join(".." if end is None else _moment(end) for end in (since, until))


def _moment(end: date | str) -> str:
    if isinstance(end, datetime):
        return end.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(end)
