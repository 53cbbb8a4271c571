"""What is answered about runs: the documents of the service, of which OpenAPI tells the schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fairihub_headless.models import Environment, Failure, Limits, Priority, RunState, Source


class Link(BaseModel):
    """A link as OGC API writes them."""

    model_config = ConfigDict(extra="forbid")

    href: str
    rel: str
    type: str = "application/json"
    title: str | None = None


class StatusInfo(BaseModel):
    """The answer about one job: OGC's statusInfo, pygeoapi's older names, and our own facts."""

    model_config = ConfigDict(extra="forbid")

    jobID: str
    processID: str
    owner: str
    type: Literal["process"] = "process"
    status: RunState
    message: str
    progress: int = Field(ge=0, le=100)
    created: str
    started: str | None = None
    finished: str | None = None
    updated: str
    job_start_datetime: str | None = Field(None, description="As `started`, for older clients.")
    job_end_datetime: str | None = Field(None, description="As `finished`, for older clients.")
    parameters: dict[str, Any] = Field(description="The request's inputs; secrets are starred.")
    title: str | None = Field(None, description="What its owner's notebook calls itself.")
    team: str
    profile: str
    limits: Limits
    notebook_digest: str
    cell: int
    cells: int
    failure: Failure | None = None
    attempt: int
    retries: int
    priority: Priority
    deadline: float | None = Field(None, description="Seconds that one attempt may take.")
    source: Source
    environment: Environment | None = None
    pinned: bool
    expires: str | None = Field(
        None, description="When what it left is deleted at the latest, unless it is pinned."
    )
    expired: str | None = Field(None, description="When what it left was deleted to make room.")
    links: list[Link]


class JobList(BaseModel):
    """A page of jobs, in the order that was asked for."""

    jobs: list[StatusInfo]
    numberMatched: int
    numberReturned: int
    links: list[Link]


class FileEntry(BaseModel):
    """One file that a run left."""

    name: str
    size: int
    type: str
    href: str


class FileList(BaseModel):
    """A page of what a run left, the executed notebook first."""

    files: list[FileEntry]
    numberMatched: int
    numberReturned: int
    left_out: list[str] = Field(
        description="Links, pipes and odd names, which are not handed out; the first hundred."
    )
    left_out_count: int
    links: list[Link]


class OgcException(BaseModel):
    """An error answer, as RFC 7807 and OGC API write it, with our own stable code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
