"""One run of the service: how it stands, what it says meanwhile, and what it left."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fairihub_headless.client import downloads
from fairihub_headless.client.errors import RunsError
from fairihub_headless.client.events import Event, StatusChanged
from fairihub_headless.client.following import followed
from fairihub_headless.client.models import (
    Displays,
    FileEntry,
    FileList,
    ResultFiles,
    Results,
    Scraps,
    State,
    StatusInfo,
)
from fairihub_headless.client.naming import NOTEBOOK_TYPE
from fairihub_headless.client.transport import Told, Transport

_ENDED = frozenset({409, 410, 412})
"""How the service refuses to end what has ended."""


def started(transport: Transport, path: str, inputs: Mapping[str, Any], key: str | None) -> Job:
    """The job that a request starts. It bears a key, so that it may be sent twice.

    Raises:
        RunsError: why it is refused; `bad-parameters`, a value is none of JSON's.
    """
    try:
        body = json.dumps({"inputs": dict(inputs)}, allow_nan=False, default=_written).encode()
    except (TypeError, ValueError) as problem:
        raise RunsError(
            "bad-parameters", f"An input cannot be written as JSON: {problem}."
        ) from None
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key or uuid.uuid4().hex,
        "Prefer": "respond-async",
    }
    return Job(transport, transport.told(StatusInfo, "POST", path, content=body, headers=headers))


def _written(value: Any) -> str:
    """A day or a moment as JSON has it: ISO's text, which the service takes for its parameters."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


class Job:
    """A run. What it says of itself is as of the last answer; `refresh` asks anew."""

    def __init__(self, transport: Transport, info: StatusInfo) -> None:
        self._transport = transport
        self.info = info

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status.value}>"

    @property
    def id(self) -> str:
        return self.info.jobID

    @property
    def status(self) -> State:
        return self.info.status

    def refresh(self) -> StatusInfo:
        """How it stands at this moment."""
        self.info = self._transport.told(StatusInfo, "GET", self._path)
        return self.info

    def follow(self, timeout: float | None = None) -> Iterator[Event]:
        """What happens to it, as it happens, until its end; a connection that is lost is made anew.

        The first event says how it stands now, the last how it ended.

        Raises:
            RunsError: `not-ended`, after so many seconds; `hub-unreachable`, for longer than the
                client's patience.
        """
        for event in followed(self._transport, self._path, timeout):
            if isinstance(event, StatusChanged):
                self.info = event.job
            yield event

    def wait(self, timeout: float | None = None) -> StatusInfo:
        """How it ended, when it has; a run that failed is no error here.

        Raises:
            RunsError: as `follow`.
        """
        if not self.status.ended:
            for _ in self.follow(timeout):
                pass
        return self.info

    def results(self) -> Results:
        """What it brought, whichever outputs its request chose, and in whatever form.

        Raises:
            RunsError: why it failed, with `cell` and `traceback` among the details; or
                `result-not-ready`, `dismissed`, `expired`.
        """
        scraps = self._output("scraps", Scraps)
        if scraps is None:  # it is of a process that brings nothing of this
            return Results()
        displays, files = self._output("displays", Displays), self._output("files", ResultFiles)
        href = f"{self._transport.service}{self._path}/results/notebook"
        return Results(
            scraps=scraps.root,
            displays=displays.root if displays else {},
            notebook={"href": href, "type": NOTEBOOK_TYPE, "title": "notebook"},
            files=files.root if files else [],
        )

    def _output(self, name: str, kind: type[Told]) -> Told | None:
        """One output by value; None if it brought none of this name."""
        try:
            return self._transport.told(kind, "GET", f"{self._path}/results/{name}")
        except RunsError as refusal:
            if refusal.code != "no-such-output":
                raise
            return None

    @property
    def files(self) -> list[FileEntry]:
        """Everything that it left, the executed notebook first; asked for at each use."""
        found: list[FileEntry] = []
        while True:
            path = f"{self._path}/files" + (f"?offset={len(found)}" if found else "")
            page = self._transport.told(FileList, "GET", path)
            found += page.files
            if not page.files or len(found) >= page.numberMatched:
                return found

    def download(self, folder: str | Path, *names: str) -> list[Path]:
        """Fetches the files with these names, or all, into a folder; never out of it.

        One that was cut off goes on with the next call. Files of the same names are replaced.

        Raises:
            RunsError: `no-such-file`, `cannot-write`, and what the service refuses.
        """
        if not self.status.ended:
            self.refresh()
        left = {file.name: file for file in self.files}
        missing = [name for name in names if name not in left]
        if missing:
            raise RunsError("no-such-file", f"The run left no file “{missing[0][:200]}”.", 404)
        chosen = [left[name] for name in names] if names else list(left.values())
        return downloads.downloaded(self._transport, self.info, chosen, Path(folder))

    def download_zip(self, file: str | Path) -> Path:
        """Fetches all that it left, as one archive, into a file."""
        return downloads.as_file(self._transport, f"{self._path}/files.zip", Path(file))

    def download_report(self, file: str | Path, *, code: bool = True) -> Path:
        """Fetches a page of HTML that shows what it did.

        Args:
            code: whether the page shows the cells' code, too.
        """
        path = f"{self._path}/report?code={'show' if code else 'hide'}"
        return downloads.as_file(self._transport, path, Path(file))

    def logs(self, tail: int | None = None) -> str:
        """What it has printed so far, or the last so many lines of it."""
        wanted = {} if tail is None else {"tail": str(tail)}
        headers = {"Accept": "*/*"}
        return self._transport.ask("GET", f"{self._path}/logs", params=wanted, headers=headers).text

    def cancel(self) -> StatusInfo:
        """Ends it, if it has not ended: what it has done stays, as does its record."""
        if self.refresh().status.ended:  # by now; its results are not to go with a late word
            return self.info
        try:
            asked = {"if": "running"}
            self.info = self._transport.told(StatusInfo, "DELETE", self._path, params=asked)
        except RunsError as refusal:
            # Ended meanwhile, or cancelled by this very request: its first answer was lost.
            if refusal.status not in _ENDED or not self.refresh().status.ended:
                raise
        return self.info

    def pin(self) -> StatusInfo:
        """Keeps what it left, whatever its age."""
        self.info = self._transport.told(StatusInfo, "PUT", f"{self._path}/pin")
        return self.info

    def unpin(self) -> StatusInfo:
        """Keeps what it left no longer than that of others."""
        self.info = self._transport.told(StatusInfo, "DELETE", f"{self._path}/pin")
        return self.info

    def again(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        **changes: Any,
    ) -> Job:
        """Starts it anew: the same notebook, as it was, with the same parameters, but for changes.

        Args:
            parameters: those with another value.
            key: as for `RunsClient.run`.
            changes: inputs with another value, such as `profile` or `kernel`.

        Raises:
            RunsError: why it is refused.
        """
        inputs = {name: value for name, value in changes.items() if value is not None}
        if parameters:
            inputs["parameters_json"] = dict(parameters)
        return started(self._transport, f"{self._path}/again", inputs, key)

    @property
    def _path(self) -> str:
        return f"jobs/{quote(self.id, safe='')}"
