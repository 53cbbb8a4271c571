"""Results in the team's bucket, on the real S3 server: as a whole or not at all, and signed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application

from fairihub_core.bucket_keys import read_keys
from fairihub_core.places import Places
from fairihub_core.service_page import Brand
from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from fairihub_headless.callers import Caller
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Run, RunState
from fairihub_headless.results import bucket
from fairihub_headless.results.bucket import MANIFEST, PREFIX, Buckets, manifest_of
from fairihub_headless.results.uploading import Uploading
from fairihub_headless.running import Runs
from fairihub_headless.settings import HeadlessSettings, S3Settings
from fairihub_headless.store.runs import Store
from fairihub_headless.web.answering import Service
from fairihub_headless.web.outcomes import File
from fairihub_spawner.s3 import command, keys_file, sync_keys
from tests.support.ports import free_port
from tests.support.waiting import eventually

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


def team(name: str, bucket: str | None) -> Team:
    profile = Profile(slug="small", display_name="Small", s3_bucket_name=bucket)
    return Team(name=name, namespace=name, members=(Member(login="ada"),), profiles=(profile,))


DIRECTORY = TeamDirectory(teams=(team("uc1", "cubes"), team("uc2", "others"), team("uc3", None)))


class S3:
    """A running server of the hub's, and the runs beside it."""

    def __init__(self, tmp_path: Path) -> None:
        self.places = Places(tmp_path)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        sync_keys(self.places, DIRECTORY, date(2026, 6, 1))
        settings = S3Settings(endpoint=self.url, keys_file=keys_file(self.places))
        self.buckets = Buckets(settings, lambda: DIRECTORY)
        self.server: subprocess.Popen[bytes] | None = None
        self.store = Store.in_folder(self.places.headless)

    def start(self) -> None:
        words = command(self.places, self.port)
        self.server = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        assert eventually(self._answers, 30)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url).status_code > 0
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(20)
            self.server = None

    def run(self, number: int = 1, team: str = "uc1") -> tuple[Run, RunFolder]:
        """A run of this team that left two files."""
        run_id = f"0000000{number}-0000-4000-8000-000000000000"
        run = Run(id=run_id, owner="ada", team=team, profile=f"{team}.small", notebook="a.ipynb",
                  digest="x", state=RunState.successful, created=NOW, updated=NOW,
                  finished=datetime.now(timezone.utc))  # fmt: skip
        folder = RunFolder.of(self.places.headless, run_id)
        (folder.files / "results").mkdir(parents=True)
        (folder.files / "results" / "a b.csv").write_text("1,2,3")
        (folder.files / "results" / "page.html").write_text("<script>")
        self.store.add(run)
        return run, folder

    def objects(self) -> list[str]:
        """The objects of runs in the bucket, as the team sees them."""
        root = self.places.bucket("cubes")
        return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3]:
    s3 = S3(tmp_path)
    s3.start()
    yield s3
    s3.stop()
    s3.store.close()


def got(address: str) -> httpx.Response:
    return httpx.get(address)


async def test_results_come_into_the_bucket_and_are_had_by_a_signed_address(s3: S3) -> None:
    run, folder = s3.run()
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is None  # not there yet
    await Uploading(s3.store, s3.buckets, s3.places.headless).look()
    prefix = f"{PREFIX}/{run.id}/results"
    assert eventually(lambda: s3.objects() == [f"{prefix}/a b.csv", f"{prefix}/page.html"], 10)
    address = s3.buckets.address_of(run, folder, "results/a b.csv")
    assert address is not None
    assert got(address).text == "1,2,3"
    secret = read_keys(keys_file(s3.places))["uc1"]["secret"]
    assert secret not in address
    assert "X-Amz-Expires=300" in address
    assert got(address.partition("?")[0]).status_code == 403
    changed = address.replace("a%20b.csv", "page.html")
    assert got(changed).status_code == 403


async def test_a_page_is_never_handed_out_by_another_server(s3: S3) -> None:
    run, folder = s3.run()
    await Uploading(s3.store, s3.buckets, s3.places.headless).look()
    assert "results/page.html" in manifest_of(folder).files
    assert s3.buckets.address_of(run, folder, "results/page.html") is None


async def test_a_team_without_a_bucket_keeps_its_results_on_the_disk(s3: S3) -> None:
    run, folder = s3.run(team="uc3")
    await Uploading(s3.store, s3.buckets, s3.places.headless).look()
    assert not (folder.path / MANIFEST).exists()
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is None


async def test_without_the_server_the_disk_hands_out_until_it_is_back(
    s3: S3, caplog: pytest.LogCaptureFixture
) -> None:
    run, folder = s3.run()
    uploading = Uploading(s3.store, s3.buckets, s3.places.headless, pause=0)
    s3.stop()
    await uploading.look()
    assert manifest_of(folder).files == {}
    s3.start()
    await uploading.look()
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is not None
    s3.stop()
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is None
    assert "is handed out from the disk" in caplog.text
    s3.start()
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is None  # not asked at once again
    s3.buckets.away.clear()  # half a minute later
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is not None
    assert "Signature" not in caplog.text


async def test_what_a_member_deletes_in_the_bucket_is_handed_out_from_the_disk(s3: S3) -> None:
    run, folder = s3.run()
    await Uploading(s3.store, s3.buckets, s3.places.headless).look()
    (s3.places.bucket("cubes") / PREFIX / run.id / "results" / "a b.csv").write_text("other size")
    assert eventually(lambda: s3.buckets.address_of(run, folder, "results/a b.csv") is None, 10)


async def test_what_has_expired_leaves_the_bucket_too(s3: S3) -> None:
    run, folder = s3.run()
    other, _ = s3.run(2)
    await Uploading(s3.store, s3.buckets, s3.places.headless).look()
    s3.buckets.forget(run, folder)
    assert eventually(lambda: [o for o in s3.objects() if run.id in o] == [], 10)
    assert [o for o in s3.objects() if other.id in o] != []


def test_what_was_put_there_by_half_is_forgotten_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: set[str] = set()

    class Client:
        def upload_fileobj(self, content: Any, name: str, key: str, **_: Any) -> None:
            if len(there) == 1:
                raise OSError("away")
            there.add(key)

        def delete_object(self, **where: str) -> None:
            there.discard(where["Key"])

    folder = RunFolder.of(tmp_path, "4f1c")
    (folder.files / "results").mkdir(parents=True)
    for name in ("executed.ipynb", "results/a.csv"):
        (folder.files / name).write_text("x")
    run = Run(id="4f1c", owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
              digest="x", created=NOW, updated=NOW)  # fmt: skip
    monkeypatch.setattr(bucket, "_client", lambda *_: Client())
    monkeypatch.setattr(Buckets, "_bucket_of", lambda *_: "uc1")
    monkeypatch.setattr(Buckets, "_access", lambda *_: object())
    endpoint: Any = SimpleNamespace(endpoint="")
    buckets = Buckets(endpoint, TeamDirectory)
    with pytest.raises(OSError, match="away"):
        buckets.put(run, folder)
    assert len(there) == 1
    assert buckets.forget(run, folder)
    assert there == set()


def test_what_cannot_be_reached_is_tried_for_a_week_and_never_forgotten_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Buckets, "_access", lambda *_: None)
    endpoint: Any = SimpleNamespace(endpoint="")
    buckets = Buckets(endpoint, TeamDirectory)
    moment = datetime.now(timezone.utc)
    run = Run(id="4f1c", owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
              digest="x", created=NOW, updated=NOW, expired=moment)  # fmt: skip
    folder = RunFolder.of(tmp_path, "4f1c")
    folder.path.mkdir(parents=True)
    assert buckets.forget(run, folder)  # nothing was ever put there
    for manifest in ('{"bucket": "cubes", "files": {"a": 1}}', "{"):
        (folder.path / MANIFEST).write_text(manifest)
        assert not buckets.forget(run, folder)
        old = run.model_copy(update={"expired": moment - timedelta(days=8)})
        assert buckets.forget(old, folder)
        assert "It is not tried again" in caplog.text
        caplog.clear()


async def test_a_bucket_that_takes_nothing_is_asked_ever_more_seldom(tmp_path: Path) -> None:
    tried: list[str] = []

    class Away:
        def put(self, run: Run, _: RunFolder) -> bool:
            tried.append(run.id)
            raise OSError("away")

    store = Store.in_folder(tmp_path)
    moment = datetime.now(timezone.utc)
    store.add(Run(id="4f1c", owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
                  digest="x", state=RunState.successful, created=NOW, updated=NOW,
                  finished=moment - timedelta(hours=1)))  # fmt: skip
    uploading = Uploading(store, Away(), tmp_path, pause=1000)  # type: ignore[arg-type]
    for _ in range(7):
        await uploading.look()
    assert tried == ["4f1c"]
    uploading.pause, uploading._again = 0.0, {}
    for _ in range(7):
        await uploading.look()
    assert len(tried) == 8
    store.close()


async def test_a_manifest_of_another_teams_bucket_opens_nothing(s3: S3) -> None:
    run, folder = s3.run()
    theirs = s3.places.bucket("others") / PREFIX / run.id / "results" / "a b.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("secret")
    told: dict[str, Any] = {"bucket": "others", "files": {"results/a b.csv": 6}}
    (folder.path / MANIFEST).write_text(json.dumps(told))
    assert s3.buckets.address_of(run, folder, "results/a b.csv") is None
    s3.buckets.forget(run, folder)
    assert theirs.read_text() == "secret"


async def test_a_file_in_the_bucket_is_answered_with_its_address_and_else_with_itself(
    s3: S3,
) -> None:
    run, _ = s3.run()
    settings = HeadlessSettings(data=s3.places.data, results_in_bucket=True)
    runs = Runs(s3.store, None, settings, None, print, s3.buckets)  # type: ignore[arg-type]

    class Ours(File):
        """As the service has it, but for who asks: the owner."""

        async def prepare(self) -> None:
            self.caller = Caller("ada", "", DIRECTORY)

    service = Service(runs, None, Brand("Hub", "#0b7261", "C", "/"), "/")  # type: ignore[arg-type]
    pattern = r"/jobs/(?P<jobID>[^/]+)/files/(?P<name>.+)"
    app = Application([(pattern, Ours, {"service": service})], log_function=lambda _: None)
    server = HTTPServer(app)
    server.listen(port := free_port(), address="127.0.0.1")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        path = f"/jobs/{run.id}/files/results/a%20b.csv"
        before = await client.get(path)
        assert (before.status_code, before.text) == (200, "1,2,3")
        await Uploading(s3.store, s3.buckets, s3.places.headless).look()
        signed = await client.get(path)
        assert signed.status_code == 307
        assert signed.headers["Location"].startswith(f"{s3.url}/cubes/{PREFIX}/{run.id}/")
        assert (await client.get(path, follow_redirects=True)).text == "1,2,3"
        page = await client.get(f"/jobs/{run.id}/files/results/page.html")
        assert (page.status_code, page.text) == (200, "<script>")
        s3.stop()
        assert (await client.get(path)).text == "1,2,3"
    server.stop()
