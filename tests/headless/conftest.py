"""Teams in a few words, notebooks of a few cells, an engine, and a real hub with the service."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from fairihub_core.audit import Entry
from fairihub_core.places import Places
from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from fairihub_headless.callers import Caller
from fairihub_headless.engine.local import LocalEngine
from fairihub_headless.models import Run
from fairihub_headless.processes.notebook_request import asked_of_notebook
from fairihub_headless.running import Runs
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.sources import CatalogSource, Sources
from fairihub_headless.store.runs import Store
from tests.support.databases import opening
from tests.support.ports import free_port
from tests.support.runs_hub import RunsHub, Service

SECRET = "canary-7f3a91c2"

DIRECTORY = TeamDirectory(
    teams=(
        Team(
            name="uc1",
            namespace="uc1",
            members=(Member(login="ada", role="admin"), Member(login="bob")),
            profiles=(
                Profile(
                    slug="small",
                    display_name="Small",
                    mem_limit=2 * 2**30,
                    cpu_limit=1.0,
                    secret_names=("deep",),
                    node_purpose="cheap",
                ),
                Profile(slug="tiny", display_name="Tiny", mem_limit=400 * 2**20),
            ),
        ),
        Team(
            name="uc2",
            namespace="uc2",
            members=(Member(login="bob"),),
            profiles=(Profile(slug="small", display_name="Small"),),
        ),
    ),
    operators=frozenset({"olga"}),
)


def notebook(*cells: str, parameters: str | None = None, kernel: str = "python3") -> str:
    """A notebook with a code cell for each text; `parameters` becomes the tagged cell."""
    made = [new_code_cell(source) for source in cells]
    if parameters is not None:
        made.insert(0, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    spec = {"name": kernel, "language": "python", "display_name": kernel}
    return nbformat.writes(new_notebook(cells=made, metadata={"kernelspec": spec}))


opened = opening(Store)


@pytest.fixture(name="notebook")
def _notebook() -> Callable[..., str]:
    return notebook


@pytest.fixture
def directory() -> TeamDirectory:
    """ada (uc1: small, tiny) and bob (uc1 and uc2)."""
    return DIRECTORY


@pytest.fixture
def secret() -> str:
    """The value of DEEP_KEY, a secret of the profile uc1.small."""
    return SECRET


async def eventually(true: Callable[[], Any], what: str, seconds: float = 60) -> None:
    """Until that is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


@dataclass
class House:
    """Runs with a real store, engine and kernels; only HTTP is left out."""

    runs: Runs
    engine: LocalEngine
    places: Places
    directory: TeamDirectory = field(default_factory=lambda: DIRECTORY)
    audit: list[Entry] = field(default_factory=list)

    def caller(self, login: str = "ada") -> Caller:
        return Caller(login, "", self.directory)

    def put(self, content: str | bytes, path: str = "work.ipynb", login: str = "ada") -> Path:
        file = self.places.home("uc1", login) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    async def submit(self, *cells: str, path: str = "work.ipynb", **inputs: Any) -> Run:
        """A run of a notebook with these cells (or of what is at `path` already)."""
        if cells:
            self.put(notebook(*cells), path)
        body = {"inputs": {"notebook": path, **inputs}}
        return await self.runs.submit(asked_of_notebook(body), self.caller())

    async def ended(self, run: Run, seconds: float = 60) -> Run:
        return await self.until(run, lambda r: r.state.ended and r.engine is None, seconds)

    async def until(self, run: Run, true: Callable[[Run], bool], seconds: float = 60) -> Run:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            now = await self.runs.own(run.id, self.caller(run.owner))
            if true(now):
                return now
            await asyncio.sleep(0.05)
        raise AssertionError(f"not so after {seconds} s: {now}")

    def grace(self, seconds: float) -> None:
        """How long runs of a removed member go on."""
        changed = {"removal_grace_seconds": seconds}
        self.engine._settings = self.runs.settings.model_copy(update=changed)

    async def looked(self) -> None:
        """Until the engine has looked at all that waits, and has begun what it begins then."""
        for _ in range(2):  # what the first look began is begun before the second
            self.engine._looked = float("-inf")
            self.engine.wake()
            await eventually(lambda: self.engine._looked > float("-inf"), "the engine looks")

    def log(self, run: Run) -> str:
        return self.runs.folder(run).log.read_text()


def settings_of(data: Path, **more: Any) -> HeadlessSettings:
    return HeadlessSettings(
        data=data,
        max_runs=2,
        cancel_grace_seconds=1.5,
        removal_grace_seconds=0,
        max_output_bytes=2**20,
        max_log_bytes=2**20,
        **more,
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An engine at work, with a team `uc1` whose profile has a secret."""
    secret = Places(tmp_path).secret("uc1", "deep")
    secret.mkdir(parents=True)
    (secret / "DEEP_KEY").write_text(SECRET)
    settings = settings_of(tmp_path)
    store = Store.in_folder(Places(tmp_path).headless)
    engine = LocalEngine(store, settings, lambda: house.directory)
    audit: list[Entry] = []
    runs = Runs(
        store, engine, settings, Sources(Places(tmp_path), CatalogSource(None)), audit.append
    )
    house = House(runs, engine, Places(tmp_path), audit=audit)
    await engine.start()
    yield house
    await engine.stop()
    store.close()


# A real hub.


class Hub(RunsHub):
    """A real hub, and the runs service beside it, which can be killed."""

    beside: Service
    probe = ""

    def client(
        self, login: str, scheme: str = "token", scopes: list[str] | None = None
    ) -> httpx.Client:
        """A client with an API token of the member's."""
        headers = {"Authorization": f"{scheme} {self.token(login, scopes)}"}
        return httpx.Client(base_url=self.headless, headers=headers, timeout=30)

    @contextlib.contextmanager
    def browser(self, login: str) -> Iterator[httpx.Client]:
        """A browser without a screen, signed in to the service."""
        headers = {"Accept": "text/html"}
        with httpx.Client(
            base_url=self.headless, follow_redirects=True, headers=headers, timeout=30
        ) as browser:
            form = browser.get("jobs")
            xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form.text)
            assert xsrf is not None
            filled = {"username": login, "password": "x", "_xsrf": xsrf.group(1)}
            assert browser.post(form.url, data=filled).url.path == "/services/headless/jobs"
            browser.get("jobs")  # the first page after it gives the token for forms
            yield browser

    def put(self, team: str, login: str, content: str, path: str = "work.ipynb") -> None:
        file = self.places.home(team, login) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def start_service(self) -> None:
        self.beside.start()
        wait_until(self._leads_there, "the service answers")

    def _leads_there(self) -> bool:
        """Whether a member is let in, for which the hub, proxy and snapshot must all be there."""
        assert self.beside.running.poll() is None, self.beside.log.read_text()[-2000:]
        self.probe = self.probe or self.token("ada")
        headers = {"Authorization": f"token {self.probe}"}
        return httpx.get(f"{self.headless}jobs", headers=headers).status_code == 200

    def kill_service(self) -> None:
        self.beside.running.kill()
        self.beside.running.wait()


def wait_until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except (httpx.HTTPError, ValueError, OSError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"after {seconds} s still not: {what}")


@pytest.fixture(name="free_port")
def _free_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with the teams uc1 (ada, bob), uc2 (bob) and old (eve, closed)."""
    hub = Hub(tmp_path_factory.mktemp("hub"))
    hub.team("uc2", "bob")
    hub.team("old", "eve", until="2024-12-31")
    told = {
        "data": str(hub.places.data),
        "activity_seconds": 1.0,
        "echo": True,
        # A catalogue that answers, and has nothing.
        "catalog_url": f"{hub.headless}nothing/",
    }
    hub.begin()
    try:
        # Beside the hub, not after it: the hub waits for its services.
        hub.beside = hub.service("service", told)
        wait_until(hub._leads_there, "the service answers")
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="module")
def ada(hub: Hub) -> Iterator[httpx.Client]:
    with hub.client("ada") as client:
        yield client


@pytest.fixture(scope="module")
def bob(hub: Hub) -> Iterator[httpx.Client]:
    with hub.client("bob") as client:
        yield client
