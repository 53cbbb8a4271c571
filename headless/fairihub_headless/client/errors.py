"""The one error of the client: what was wrong, in the service's own words and codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RunsError(Exception):
    """A request was refused, a run failed, or the hub cannot be reached.

    Attributes:
        code: a stable name, explained in the reference of error codes.
        message: what was wrong and what to do.
        status: the HTTP status of the answer; None where there was none.
        details: further facts, such as `traceback` and `cell` of a run that failed.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details: Mapping[str, Any] = details or {}
