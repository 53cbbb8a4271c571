"""The settings of the service: the operator's part, the block `runs:` of fairihub.yaml, and the
hub's own. The hub writes both into one JSON file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from fairihub_core.git_address import usable_url
from fairihub_core.quantities import Bytes
from fairihub_headless.models import RunState

PASSWORD = "FAIRIHUB_RUNS_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable that holds the password of `database`."""


def _database(address: str) -> str:
    """The address for SQLAlchemy; what is said of another repeats nothing of it."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ValueError("write it as postgresql://USER@HOST/NAME") from None
    if url.password is not None or "password" in url.query:
        raise ValueError(f"it holds a password, which others can read there: give it in {PASSWORD}")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    lite = url.drivername == "sqlite" and (url.database or "").startswith("/")
    if not (lite or (url.drivername == "postgresql+psycopg" and url.database)):
        raise ValueError("write it as postgresql://USER@HOST/NAME")
    return url.render_as_string(hide_password=False)


def with_password(address: str, password: str) -> str:
    """The address of a database for SQLAlchemy alone; no password stands in it if that is empty."""
    from sqlalchemy.engine import make_url

    return make_url(address).set(password=password or None).render_as_string(hide_password=False)


def _endpoint(address: str) -> str:
    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query:
        raise ValueError("write it as https://s3.example.org, without a user name")
    return address.rstrip("/")


Database = Annotated[str, Field(max_length=500), AfterValidator(_database)]
Endpoint = Annotated[str, Field(max_length=500), AfterValidator(_endpoint)]
Module = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
Output = Annotated[Bytes, Field(ge=2**10, le=2**30)]


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


class CheckoutSettings(BaseModel):
    """The repository of which a request may name a revision (`git_revision`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(usable_url)] = Field(
        description="`https://…`, `ssh://…`, `user@host:path` or an absolute path. Never with a "
        "password in it."
    )
    credentials: Path | None = Field(
        None, description="A file as git's own credential store writes it, kept private."
    )


class RunSettings(BaseModel):
    """What an operator may say of runs; everything has a default that works on one machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_runs: int | None = Field(
        None, ge=1, le=1024, description="Runs at once of a service; one per processor if unset."
    )
    max_runs_per_member: int = Field(
        2, ge=1, le=1024, description="Runs at once of a service, per member; more wait their turn."
    )
    max_runs_per_team: int | None = Field(
        None, ge=1, le=1024, description="Runs at once of a service, per team; any number if unset."
    )
    max_queued_per_member: int = Field(
        500, ge=1, le=1_000_000, description="Runs waiting, per member."
    )
    submissions_per_minute: int = Field(
        600, ge=1, le=1_000_000, description="Runs that a member may ask for per minute."
    )
    max_hours: float = Field(
        24.0,
        gt=0,
        le=24 * 365,
        description="After so many hours a run is ended; no run may ask for a longer `deadline`.",
    )
    cancel_grace_seconds: float = Field(
        5.0,
        gt=0,
        le=600,
        description="Seconds that a run which is cancelled has to end by itself: first after an "
        "interrupt of its kernel, then after a request to end.",
    )
    longest_wait_seconds: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Seconds that a request waits for results before it is told of a job.",
    )
    max_followers_per_member: int = Field(
        50,
        ge=1,
        le=10_000,
        description="Runs that a member may follow at once, as a page or a client does.",
    )
    max_output_bytes: Output = Field(
        10 * 2**20, description="Cell output kept in the executed notebook."
    )
    max_log_bytes: Output = Field(10 * 2**20, description="Log kept of one run.")
    max_results_bytes: Bytes = Field(
        20 * 2**30,
        ge=2**20,
        description="What a run may leave, on the disk: its files, and the executed notebook with "
        "them; one that takes more fails. A size like `50Gi`.",
    )
    min_free_bytes: Bytes = Field(
        256 * 2**20,
        description="With less free disk than this, no run is accepted; a size like `1Gi`.",
    )
    keep_days: float = Field(
        100.0,
        gt=0,
        le=36_500,
        description="What a run left is kept for so many days, then deleted; its record stays. "
        "Members can pin runs that are to stay.",
    )
    keep_failed_days: float | None = Field(
        None,
        gt=0,
        le=36_500,
        description="The same of runs that failed or were cancelled, if less.",
    )
    keep_runs_per_team: int | None = Field(
        None, ge=1, description="So many runs of a team are kept, the newest; pinned ones besides."
    )
    max_pinned_per_member: int = Field(
        50, ge=0, le=1_000_000, description="Runs that a member may keep whatever their age."
    )
    results_in_bucket: bool = Field(
        False,
        description="What runs leave is put into their team's bucket too, below `fairihub-runs/`, "
        "and handed out from there. The whole team can then read it.",
    )
    public_s3_endpoint: Endpoint | None = Field(
        None,
        description="Where people reach the buckets, if not where the hub itself does: for the "
        "addresses of results that are handed out from there.",
    )
    checkout_git_repo: CheckoutSettings | None = Field(
        None,
        description="The repository of which a run may name a revision (`git_revision`); without "
        "it that input is refused.",
    )
    warm: bool = Field(
        True, description="Whether runs take workers and kernels that have begun already (Linux)."
    )
    warm_environments: int = Field(
        3,
        ge=0,
        le=100,
        description="Environments whose kernels have begun before a run asks for them.",
    )
    warm_kernels: int = Field(2, ge=0, le=64, description="Kernels that wait, in each environment.")
    warm_workers: int = Field(1, ge=0, le=64, description="Workers that wait.")
    warm_idle_minutes: float = Field(
        30.0,
        gt=0,
        le=7 * 24 * 60,
        description="Minutes after its last run that an environment is kept warm.",
    )
    warm_imports: tuple[Module, ...] = Field(
        (),
        max_length=50,
        description="Modules that warm kernels have imported already, where they are installed; "
        "none that begins a thread, or reads files of the home, at its import.",
    )
    echo: bool = Field(
        True, description="Whether the process `echo` is offered, for tests of clients."
    )
    database: Database | None = Field(
        None,
        description="Where runs are remembered: `postgresql://USER@HOST/NAME`; a file in the data "
        f"folder if unset. The password is the environment variable {PASSWORD}.",
    )

    @property
    def slots(self) -> int:
        """How many runs are executed at once."""
        return self.max_runs or os.cpu_count() or 1

    @property
    def rules(self) -> Rules:
        """How long what runs left is kept."""
        failed = self.keep_days if self.keep_failed_days is None else self.keep_failed_days
        return Rules(self.keep_days, failed, self.keep_runs_per_team)


class S3Settings(BaseModel):
    """Where the hub's S3 server answers, and the file with one key per team."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    keys_file: Path = Field(description="JSON: {team: {key, secret, buckets}}, mode 0600.")


class HeadlessSettings(RunSettings):
    """What `FAIRIHUB_SERVICE` says to the runs service; an unknown key is a mistake."""

    model_config = ConfigDict(hide_input_in_errors=True)

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
    database_password: SecretStr = Field(
        SecretStr(""), description="What the operator gives in the environment of the hub."
    )
    beat_seconds: float = Field(
        10.0,
        gt=0,
        description="How often this service says that it lives. After 3 times as long without it, "
        "others that share its database take its runs over; after 2 times it ends them itself.",
    )
    removal_grace_seconds: float = Field(
        60.0, ge=0, description="Seconds until runs of a removed member are ended."
    )
    activity_seconds: float = Field(
        30.0, gt=0, description="How often a member's runs keep their server from being culled."
    )

    @property
    def database_address(self) -> str | None:
        """The address of the database with its password, for SQLAlchemy alone."""
        if self.database is None:
            return None
        return with_password(self.database, self.database_password.get_secret_value())


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
