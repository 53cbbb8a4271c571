"""A house whose workers and kernels are forked, and what its tests look at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil

from fairihub_core.places import Places
from fairihub_headless.engine.launching import WarmLauncher
from fairihub_headless.engine.local import LocalEngine
from fairihub_headless.models import Run
from fairihub_headless.running import Runs
from fairihub_headless.sources import CatalogSource, Sources
from fairihub_headless.store.runs import Store
from tests.headless.conftest import SECRET, House, settings_of


class WarmHouse(House):
    """As a House; `look` runs a cell and gives what it printed last, as JSON."""

    launcher: WarmLauncher

    async def run(self, *cells: str, **inputs: Any) -> Run:
        return await self.ended(await self.submit(*cells, **inputs))

    async def look(self, cell: str, **inputs: Any) -> tuple[Run, Any]:
        run = await self.run(cell, **inputs)
        assert run.state.value == "successful", self.log(run)
        lines = [line for line in self.log(run).splitlines() if line.startswith("{")]
        return run, json.loads(lines[-1])

    async def warmed(self) -> None:
        """Has a kernel of the usual environment waiting, which takes a first, cold run."""
        run = await self.run("1")
        assert run.state.value == "successful", run.failure
        await until(lambda: bool(self.launcher.kernels()), "a fork server of kernels lives")

    @contextlib.contextmanager
    def cold(self) -> Any:
        """Kernels begin anew as long as this is entered."""
        kernels, self.launcher.kernels = self.launcher.kernels, dict
        try:
            yield
        finally:
            self.launcher.kernels = kernels

    def servers(self, kind: str) -> list[psutil.Process]:
        """The fork servers themselves, without what they forked."""
        mine = psutil.Process().children()
        return [p for p in mine if f'"kind": "{kind}"' in " ".join(_words(p))]

    def forked(self) -> list[psutil.Process]:
        """All processes of the fork servers of this house, wherever they are."""
        root = str(self.launcher.root)
        return [p for p in psutil.process_iter() if root in " ".join(_words(p))]


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


async def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def warm_house_in(folder: Path, **settings: Any) -> AsyncIterator[WarmHouse]:
    secret = Places(folder).secret("uc1", "deep")
    secret.mkdir(parents=True)
    (secret / "DEEP_KEY").write_text(SECRET)
    known = settings_of(folder, **settings)
    store = Store.in_folder(Places(folder).headless)
    launcher = WarmLauncher(known)
    engine = LocalEngine(store, known, lambda: house.directory, launcher)
    sources = Sources(Places(folder), CatalogSource(None))
    house = WarmHouse(Runs(store, engine, known, sources, lambda e: None), engine, Places(folder))
    house.launcher = launcher
    launcher.start()
    await engine.start()
    try:
        yield house
    finally:
        await engine.stop()
        await launcher.stop()
        store.close()
