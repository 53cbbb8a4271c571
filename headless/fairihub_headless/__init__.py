"""Runs without a browser: engine, store, OGC API Processes."""
