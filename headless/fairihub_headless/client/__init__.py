"""A typed client of the runs service: starts runs, follows them, fetches what they left.

It needs httpx and pydantic and nothing of a hub: `pip install "fairihub[client]"`.
"""

from fairihub_headless.client.errors import RunsError
from fairihub_headless.client.events import CellDone, Event, Output, Progress, StatusChanged
from fairihub_headless.client.job import Job
from fairihub_headless.client.models import (
    Environment,
    Failure,
    FileEntry,
    ProcessDescription,
    Results,
    Source,
    State,
    StatusInfo,
)
from fairihub_headless.client.runs import RunsClient

__all__ = [
    "CellDone",
    "Environment",
    "Event",
    "Failure",
    "FileEntry",
    "Job",
    "Output",
    "ProcessDescription",
    "Progress",
    "Results",
    "RunsClient",
    "RunsError",
    "Source",
    "State",
    "StatusChanged",
    "StatusInfo",
]
