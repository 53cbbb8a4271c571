"""The settings of the service: one JSON file that the assembly writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fairihub_core.git_address import usable_url
from fairihub_headless.models import RunState


class S3Settings(BaseModel):
    """Where the hub's S3 server answers, and the file with one key per team."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    keys_file: Path = Field(description="JSON: {team: {key, secret, buckets}}, mode 0600.")
    region: str = "us-east-1"
    public_endpoint: str | None = Field(None, description="Where people reach it, if not there.")


class CheckoutSettings(BaseModel):
    """The repository of which a request may name a revision (`git_revision`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="`https://…`, `ssh://…` or a path; never with a password in it.")
    credentials: Path | None = Field(
        None, description="A file as git's own credential store writes it, kept private."
    )

    @field_validator("url")
    @classmethod
    def _usable(cls, url: str) -> str:
        return usable_url(url)


@dataclass(frozen=True)
class Rules:
    """How long what runs left is kept."""

    days: float
    """So long everything is kept, at most."""
    failed_days: float
    """The same of runs that failed or were dismissed."""
    per_team: int | None = None
    """So many are kept of a team; pinned ones come on top."""

    def age(self, state: RunState) -> timedelta:
        return timedelta(days=self.days if state is RunState.successful else self.failed_days)


class HeadlessSettings(BaseModel):
    """What `FAIRIHUB_SERVICE` says to the runs service; an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(description="The data folder of the hub.")
    catalog_url: str | None = Field(
        None,
        description="The catalogue's API as this service reaches it, "
        "such as http://127.0.0.1:8000/services/catalog/api/.",
    )
    name: str = Field("fairihub", description="The hub's name, for pages.")
    catalog_name: str = Field("Notebook Catalog", description="What the catalogue is called there.")
    colour: str = Field("#0b7261", description="The accent colour of pages.")
    has_logo: bool = Field(False, description="Whether the hub has a logo of its own.")
    s3: S3Settings | None = None
    max_runs: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Runs at once, in all."
    )
    max_runs_per_member: int = Field(2, ge=1, description="Runs at once, per member.")
    max_runs_per_team: int | None = Field(None, ge=1, description="Runs at once, per team.")
    max_queued_per_member: int = Field(500, ge=1, description="Runs waiting, per member.")
    max_hours: float = Field(24.0, gt=0, description="After so long a run is ended.")
    beat_seconds: float = Field(
        10.0,
        gt=0,
        description="How often this service says that it lives. After 3 times as long without it, "
        "others that share its database take its runs over; after 2 times it ends them itself.",
    )
    cancel_grace: float = Field(
        5.0, gt=0, description="Seconds between one signal of a cancellation and the next."
    )
    removal_grace: float = Field(
        60.0, ge=0, description="Seconds until runs of a removed member are ended."
    )
    max_output_bytes: int = Field(
        10 * 2**20, ge=2**10, description="Cell output kept in the executed notebook."
    )
    max_log_bytes: int = Field(10 * 2**20, ge=2**10, description="Log kept of one run.")
    max_followers_per_member: int = Field(
        50, ge=1, description="Runs that a member may follow at once, as a page or a client does."
    )
    follow_seconds: float = Field(
        3600.0, gt=0, description="After so long a follower has to ask again, which clients do."
    )
    activity_seconds: float = Field(
        30.0, gt=0, description="How often a member's runs keep their server from being culled."
    )
    echo: bool = Field(
        False, description="Whether the process `echo` is offered, for tests of clients."
    )
    longest_wait: float = Field(
        60.0,
        gt=0,
        description="Seconds that a request waits for results before it is told of a job.",
    )
    submissions_per_minute: int = Field(
        600, ge=1, description="Runs that a member may ask for per minute."
    )
    checkout_git_repo: CheckoutSettings | None = Field(
        None, description="The repository for `git_revision`; without it that input is refused."
    )
    results_in_bucket: bool = Field(
        False,
        description="Whether what runs leave is put into their team's bucket too, and handed out "
        "from there. Whoever reads the bucket can then read it.",
    )
    keep_days: float = Field(100.0, gt=0, description="So long what a run left is kept.")
    keep_failed_days: float | None = Field(
        None, gt=0, description="The same of runs that failed or were cancelled, if less."
    )
    keep_runs_per_team: int | None = Field(
        None, ge=1, description="So many runs of a team are kept, the newest; pinned ones besides."
    )
    max_pinned_per_member: int = Field(
        50, ge=0, description="Runs that a member may keep whatever their age."
    )
    min_free_bytes: int = Field(
        256 * 2**20, ge=0, description="With less free disk than this, no run is accepted."
    )
    warm: bool = Field(
        True, description="Whether runs take workers and kernels that have begun already (Linux)."
    )
    warm_environments: int = Field(
        3, ge=0, description="Environments whose kernels have begun before a run asks for them."
    )
    warm_kernels: int = Field(2, ge=0, description="Kernels that wait, in each environment.")
    warm_workers: int = Field(1, ge=0, description="Workers that wait.")
    warm_idle: float = Field(
        1800.0, gt=0, description="Seconds after its last run that an environment is kept warm."
    )
    warm_imports: list[str] = Field(
        default_factory=list,
        description="Modules that warm kernels have imported already, where they are installed; "
        "none that begins a thread, or reads files of the home, at its import.",
    )
    database: str | None = Field(
        None, description="SQLAlchemy address; default is SQLite in the data folder."
    )

    @property
    def rules(self) -> Rules:
        """How long what runs left is kept."""
        failed = self.keep_days if self.keep_failed_days is None else self.keep_failed_days
        return Rules(self.keep_days, failed, self.keep_runs_per_team)


def read_settings(path: str | None) -> HeadlessSettings:
    """The settings in the file at `path`.

    Raises:
        SystemExit: there is no such file, or it says something that is not known.
    """
    if not path:
        raise SystemExit("FAIRIHUB_SERVICE names no settings file; start this through the hub.")
    try:
        return HeadlessSettings.model_validate_json(Path(path).read_bytes())
    except (OSError, ValueError) as problem:
        raise SystemExit(f"The settings of the runs service cannot be used: {problem}") from None
