"""Runs without a browser: engine, store, OGC API Processes; for notebooks, what they report."""

from fairihub_headless.reporting import progress, track
from fairihub_headless.scraps import glue

__all__ = ["glue", "progress", "track"]
