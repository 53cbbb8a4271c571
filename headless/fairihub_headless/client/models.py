"""What the service says, typed. Lenient: a field that a newer service adds disturbs nobody.

`tests/headless/test_client_models.py` compares them with the service's OpenAPI document.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel


class State(str, Enum):
    """Where a run stands."""

    accepted = "accepted"
    running = "running"
    successful = "successful"
    failed = "failed"
    dismissed = "dismissed"

    @property
    def ended(self) -> bool:
        return self not in (State.accepted, State.running)


class Answer(BaseModel):
    """A value that nobody changes."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Link(Answer):
    """A link, as OGC API writes them."""

    href: str
    rel: str
    type: str = "application/json"
    title: str | None = None


class Limits(Answer):
    """What a run may use: bytes and cores."""

    cpu_requests: float | None = None
    cpu_limit: float | None = None
    mem_requests: int | None = None
    mem_limit: int | None = None


class Failure(Answer):
    """Why a run did not succeed."""

    code: str
    message: str
    cell: int | None = None
    """The failing cell, counted from 1 in the executed notebook."""
    cells: int | None = None
    error: str | None = None
    traceback: str | None = None


class Source(Answer):
    """Where the notebook of a run came from."""

    kind: str = "home"
    version: str | None = None
    revision: str | None = None
    run: str | None = None
    """The run that this one repeats."""
    packages: str | None = None
    """The `digest` of the environment of that run."""


class Environment(Answer):
    """What executed a run."""

    kernel: str
    display_name: str = ""
    language: str = ""
    digest: str | None = None
    warm: bool = False


class StatusInfo(Answer):
    """How a run stands: OGC's statusInfo with what fairihub adds."""

    jobID: str
    processID: str
    owner: str
    type: str = "process"
    status: State
    message: str
    progress: int
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    updated: datetime
    job_start_datetime: datetime | None = None
    job_end_datetime: datetime | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    """The inputs of the request; secrets are starred."""
    team: str
    profile: str
    limits: Limits = Limits()
    title: str | None = None
    """What its owner's notebook calls itself."""
    notebook_digest: str
    cell: int
    cells: int
    failure: Failure | None = None
    attempt: int
    retries: int
    priority: str
    deadline: float | None = None
    source: Source = Source()
    environment: Environment | None = None
    pinned: bool
    expires: datetime | None = None
    """When age will take what it left."""
    expired: datetime | None = None
    """When what it left was deleted to make room."""
    links: list[Link] = Field(default_factory=list)

    def __repr__(self) -> str:
        return f"<StatusInfo {self.jobID} {self.status.value}: {self.message}>"

    __str__ = __repr__


class JobList(Answer):
    """A page of the list of jobs."""

    jobs: list[StatusInfo]
    numberMatched: int
    numberReturned: int
    links: list[Link]


class FileEntry(Answer):
    """A file that a run left; its name is its path among them."""

    name: str
    size: int
    type: str
    href: str


class FileList(Answer):
    """A page of what a run left."""

    files: list[FileEntry]
    numberMatched: int = 0
    numberReturned: int = 0
    left_out: list[str] = Field(default_factory=list)
    """What is not handed out: links, pipes, odd names; the first hundred."""
    left_out_count: int = 0
    links: list[Link]


class ProcessDescription(Answer):
    """Something that can be run."""

    id: str
    title: str = ""
    description: str = ""
    version: str = ""
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] = Field(default_factory=dict)


class ProcessList(Answer):
    """Everything that can be run."""

    processes: list[ProcessDescription]


class Scraps(RootModel[dict[str, Any]]):
    """The output `scraps` alone."""


class Displays(RootModel[dict[str, dict[str, Any]]]):
    """The output `displays` alone."""


class ResultFiles(RootModel[list[dict[str, Any]]]):
    """The output `files` alone."""


class Results(Answer):
    """What a run brought."""

    scraps: dict[str, Any] = Field(default_factory=dict)
    """Values that the notebook glued, by name."""
    displays: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Displays that it glued: data by media type."""
    notebook: dict[str, Any] | None = None
    """A link to the executed notebook."""
    files: list[dict[str, Any]] = Field(default_factory=list)
    """Links to the files that it left in its results."""
