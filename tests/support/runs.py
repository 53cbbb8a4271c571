"""What many tests of runs say."""

from __future__ import annotations

from datetime import datetime, timezone

NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
EXECUTE = "processes/execute-notebook/execution"
"""Where a run of a notebook is asked for, below the service."""
GLUE = "from fairihub_headless.scraps import glue\n"
RUN_ID_LENGTH = 36
