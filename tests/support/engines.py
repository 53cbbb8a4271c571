"""Engines for tests of the store, which hold runs without executing them."""

from __future__ import annotations

from fairihub_headless.models import EngineRow, Run
from fairihub_headless.store.runs import Hold, Store


def engine(store: Store, name: str = "engine") -> str:
    """An engine that the store knows."""
    store.engines.register(EngineRow(name, "host", 1, 1.0, 0))
    return name


def claimed(store: Store, run_id: str, by: str = "engine") -> Hold:
    """A run in execution, and what its engine moves it on with."""
    run = store.claim(run_id, engine(store, by))
    assert run is not None
    return hold(run)


def hold(run: Run) -> Hold:
    return Hold(run.id, run.engine or "", run.attempt)
