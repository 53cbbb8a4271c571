"""Runs without a browser: engine, store, OGC API Processes; for notebooks, a word on progress."""

from fairihub_headless.reporting import progress, track

__all__ = ["progress", "track"]
