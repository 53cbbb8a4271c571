"""What a run is: the frozen values that requests become, the store keeps and workers are told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator

from fairihub_core.teams import Frozen

PROCESS = "execute-notebook"
"""The process that runs any notebook; its only required input is the notebook."""
ECHO = "echo"
"""The process that gives back what it is given; it executes nothing."""

MARK = "JOB_NAME"
"""Every process of a run carries the run's id under this name in its environment."""
GUARD = "FAIRIHUB_GUARD"
"""Under this name, the processes that clear up behind forked ones of a run."""
EXECUTED = "executed.ipynb"
"""What an executed notebook is called, unless the request says otherwise."""
NOTEBOOK_TYPE = "application/x-ipynb+json"
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: Any) -> Any:
    """A value whose texts every database keeps: without NUL, and without halves of characters."""
    if isinstance(value, str):
        return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value


class RunState(str, Enum):
    """Where a run stands, in the words of OGC API Processes."""

    accepted = "accepted"
    running = "running"
    successful = "successful"
    failed = "failed"
    dismissed = "dismissed"

    @property
    def ended(self) -> bool:
        return self not in (RunState.accepted, RunState.running)


class Limits(Frozen):
    """What a run may use: what was asked for, never above the profile. Bytes and cores."""

    cpu_requests: float | None = None
    cpu_limit: float | None = None
    mem_requests: int | None = None
    mem_limit: int | None = None


class Failure(Frozen):
    """Why a run did not succeed, in words that its owner may read."""

    code: str
    message: str
    cell: int | None = None
    """The failing cell, counted from 1 in the executed notebook."""
    cells: int | None = None
    error: str | None = None
    """Name and text of the exception, without colours or secrets."""
    traceback: str | None = None

    _storable = field_validator("message", "error", "traceback", mode="before")(storable)


class OutputChoice(Frozen):
    """How one output of the process is to be delivered in the results document."""

    transmissionMode: Literal["value", "reference"] = "value"


class Priority(str, Enum):
    """Which of a member's waiting runs goes first; the turns between members do not change."""

    low = "low"
    normal = "normal"
    high = "high"

    @property
    def rank(self) -> int:
        """The lower, the sooner."""
        return ("high", "normal", "low").index(self.value)


class Source(Frozen):
    """Where the notebook of a run came from; its content is kept with the run."""

    kind: Literal["home", "catalog", "upload", "git", "run"] = "home"
    version: str | None = None
    """The version of the catalogue that was read."""
    revision: str | None = None
    """The commit of the operator's repository that is checked out for the run."""
    run: str | None = None
    """The id of the run that this one repeats."""
    packages: str | None = None
    """The `digest` of the environment of that run: another one is said of this run."""


class Environment(Frozen):
    """What executed a run: noted when its kernel starts, so that it can be had again."""

    kernel: str
    display_name: str = ""
    language: str = ""
    digest: str | None = None
    """SHA-256 of the sorted lines `name==version` of the kernel's packages; None if not Python."""
    warm: bool = False
    """Whether its kernel was forked from one that had begun already."""


class Run(Frozen):
    """One headless execution of one notebook, as the store keeps it."""

    id: str
    owner: str
    team: str
    profile: str
    """The full name, `team.slug`."""
    process: str = PROCESS
    notebook: str
    """What the request named: a path in the home, or an id of the catalogue."""
    title: str = ""
    """What the notebook calls itself."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    kernel: str | None = None
    limits: Limits = Limits()
    output_filename: str | None = None
    output_dirname: str | None = None
    result_data_directory: str | None = None
    """Where in the home its result files are copied to after success."""
    git_revision: str | None = None
    """What the request named of the operator's repository; `source.revision` is what it meant."""
    outputs: dict[str, OutputChoice] | None = None
    """The outputs that the request chose; None means all."""
    response: Literal["document", "raw"] = "document"
    deadline: float | None = None
    """Seconds that one attempt may take; None means as long as the hub allows."""
    retries: int = 0
    """How often it may be started again after a failure that is worth it."""
    priority: Priority = Priority.normal
    source: Source = Source()
    key: str | None = None
    """The idempotency key of its owner: a second request with it is the same run."""
    fingerprint: str | None = None
    """SHA-256 of the request, if it came with a key: the same key is for the same request."""
    digest: str
    """SHA-256 of the notebook that is stored with the run."""
    state: RunState = RunState.accepted
    message: str = ""
    cell: int = 0
    cells: int = 0
    failure: Failure | None = None
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    updated: datetime
    attempt: int = 0
    """How often it was begun; 0 while it waits for the first time."""
    lost: int = 0
    """How many of these attempts ended before the notebook had started."""
    waited: int = 0
    """How many of those found no room on the disk, and are no sign that the next will fail."""
    not_before: datetime | None = None
    """The moment before which it does not begin: the pause before a retry."""
    engine: str | None = None
    """The engine that executes it, which alone may bring it to its end."""
    worker_pid: int | None = None
    worker_born: float | None = None
    """When that process was created: a pid alone is handed out again."""
    environment: Environment | None = None
    replayed: bool = False
    """Whether a request with its key had asked for it before; said of one answer, and not kept."""
    pinned: bool = False
    """Whether it is kept whatever its age."""
    expired: datetime | None = None
    """When what it left was deleted to make room."""

    @property
    def executed_name(self) -> str:
        """What the executed notebook is called among what the run left."""
        return self.output_filename or EXECUTED

    @property
    def stopping(self) -> bool:
        """Whether it was dismissed, and processes of it may still be there."""
        return self.state is RunState.dismissed and self.engine is not None

    @property
    def progress(self) -> int:
        """Per cent of the cells that are done; 100 only for what succeeded."""
        if self.state is RunState.successful:
            return 100
        return min(99, 100 * self.cell // self.cells) if self.cells else 0


class Waiting(NamedTuple):
    """As much of an accepted run as the queue needs."""

    seq: int
    """The order of acceptance."""
    id: str
    owner: str
    team: str
    rank: int = 1
    """The lower, the sooner."""
    not_before: datetime | None = None
    process: str = PROCESS


class Kept(NamedTuple):
    """As much of a run that has ended as it takes to decide how long what it left is kept."""

    id: str
    team: str
    state: RunState
    finished: datetime
    pinned: bool


@dataclass(frozen=True)
class EngineRow:
    """An engine as it is seen by others."""

    id: str
    host: str
    """Which processes it can be found among: the machine, since its last start, its namespace."""
    pid: int
    born: float
    beat: int


class ExitRecord(Frozen):
    """What a worker writes last: the only witness of how a run ended."""

    state: Literal["successful", "failed"]
    failure: Failure | None = None
    cells: int = 0
    message: str = ""
    finished: datetime
    swept: bool = False
    """Whether its kernel's guardian has said that no process is left there."""

    _storable = field_validator("message", mode="before")(storable)


class WorkOrder(Frozen):
    """What a worker is told, as a file in the run's folder; holds no secret values."""

    run: str
    again: str | None = None
    """Why there was an attempt before this one, for the log."""
    digest: str = ""
    """SHA-256 of the notebook that is to be executed, and no other."""
    cwd: str
    home: str
    notebook_name: str
    """The name of the executed notebook among the run's files."""
    kernel: str | None = None
    packages: str | None = None
    """The digest of the packages of the run that this one repeats."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    deliver_to: str | None = None
    """A folder below the home where a copy of the executed notebook is put."""
    results_to: str | None = None
    """A folder below the home where the result files are copied after success."""
    own_places: tuple[str, ...] = ()
    """Where the links in the home that fairihub made lead: no other is followed."""
    mem_limit: int | None = None
    group: tuple[str, ...] = ()
    """The folders of the control group that its kernel belongs into."""
    secret_names: tuple[str, ...] = ()
    """Names of environment variables whose values must never be written down."""
    warm: dict[str, str] = Field(default_factory=dict)
    """The folders of fork servers whose kernels have begun already, by environment."""
    max_output_bytes: int
    max_log_bytes: int
