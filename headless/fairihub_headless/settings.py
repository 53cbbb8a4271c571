"""The settings of the service: one JSON file that the assembly writes."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class S3Settings(BaseModel):
    """Where the hub's S3 server answers, and the file with one key per team."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    keys_file: Path = Field(description="JSON: {team: {key, secret, buckets}}, mode 0600.")
    region: str = "us-east-1"


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
    max_queued_per_member: int = Field(500, ge=1, description="Runs waiting, per member.")
    max_hours: float = Field(24.0, gt=0, description="After so long a run is ended.")
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
    database: str | None = Field(
        None, description="SQLAlchemy address; default is SQLite in the data folder."
    )


def read_settings(path: str | None) -> HeadlessSettings:
    """The settings in the file at `path`.

    Raises:
        SystemExit: there is no such file, or it says something that is not known.
    """
    if not path:
        raise SystemExit("FAIRIHUB_SERVICE names no settings file; start this through the hub.")
    max_followers_per_member: int = Field(
        50, ge=1, description="Runs that a member may follow at once, as a page or a client does."
    )
    follow_seconds: float = Field(
        3600.0, gt=0, description="After so long a follower has to ask again, which clients do."
    )
    try:
        return HeadlessSettings.model_validate_json(Path(path).read_bytes())
    except (OSError, ValueError) as problem:
        raise SystemExit(f"The settings of the runs service cannot be used: {problem}") from None
