"""The real S3 server: what a team can do with its key, and what no other team can."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from fairihub_core.bucket_keys import bucket_access
from fairihub_core.places import Places
from fairihub_core.processes import running
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.s3 import command, keys_file, keys_for, new_key, sync_keys
from tests.support.ports import free_port
from tests.support.waiting import eventually

from .conftest import team

TODAY = date(2026, 6, 1)
A = team("a", x={"s3_bucket_name": "bucket-a"}, y={"s3_bucket_name": "more-a"})
B = team("b", x={"s3_bucket_name": "bucket-b"})


class Store:
    """A running S3 server on the data folder, and clients that speak to it as a team."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.access = bucket_access(keys_file(places), self.endpoint)

    def teams_are(self, *teams) -> bool:
        return sync_keys(self.places, TeamDirectory(teams=teams), TODAY)

    def client(self, team: str, bucket: str, secret: str | None = None):
        access = self.access(team, bucket)
        assert access is not None
        return boto3.client(
            "s3",
            endpoint_url=access.endpoint,
            aws_access_key_id=access.key,
            aws_secret_access_key=secret or access.secret,
            region_name=access.region,
            config=Config(
                retries={"max_attempts": 0},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


@pytest.fixture
def store(places: Places) -> Iterator[Store]:
    store = Store(places)
    store.teams_are(A, B)
    server = subprocess.Popen(command(places, store.port), stdin=subprocess.DEVNULL)
    a = store.client("a", "bucket-a")
    assert eventually(lambda: buckets(a))
    yield store
    server.terminate()
    assert server.wait(20) == 0
    with pytest.raises(EndpointConnectionError):
        a.list_buckets()


def buckets(client) -> list[str] | None:
    try:
        return [b["Name"] for b in client.list_buckets()["Buckets"]]
    except EndpointConnectionError:
        return None
    except ClientError as error:
        return [error.response["Error"]["Code"]]


def names(client, bucket: str) -> list[str]:
    return [o["Key"] for o in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_team_puts_lists_and_gets(store):
    a = store.client("a", "bucket-a")
    assert buckets(a) == ["bucket-a", "more-a"]
    a.put_object(Bucket="bucket-a", Key="cubes/x.txt", Body=b"hello")
    assert a.get_object(Bucket="bucket-a", Key="cubes/x.txt")["Body"].read() == b"hello"
    folder = store.places.bucket("bucket-a")
    assert (folder / "cubes/x.txt").read_bytes() == b"hello"
    (folder / "by-hand.txt").write_text("through ~/s3")
    assert eventually(lambda: "by-hand.txt" in names(a, "bucket-a"), 5)


def test_a_team_reaches_no_other_teams_bucket(store):
    store.client("a", "bucket-a").put_object(Bucket="bucket-a", Key="x", Body=b"secret")
    b = store.client("b", "bucket-b")
    assert buckets(b) == ["bucket-b"]
    source = {"Bucket": "bucket-a", "Key": "x"}
    for attempt in (
        lambda: b.get_object(Bucket="bucket-a", Key="x"),
        lambda: b.list_objects_v2(Bucket="bucket-a"),
        lambda: b.put_object(Bucket="bucket-a", Key="y", Body=b""),
        lambda: b.copy_object(Bucket="bucket-b", Key="x", CopySource=source),
        lambda: b.get_object(Bucket="bucket-b", Key="../bucket-a/x"),
        lambda: b.create_bucket(Bucket="bucket-c"),
    ):
        with pytest.raises(ClientError):
            attempt()
    (store.places.bucket("bucket-b") / "link").symlink_to(store.places.bucket("bucket-a"))
    with pytest.raises(ClientError):
        b.get_object(Bucket="bucket-b", Key="link/x")


def test_a_wrong_secret_opens_nothing(store):
    assert buckets(store.client("a", "bucket-a", secret="guessed")) == ["AccessDenied"]


def test_changes_of_the_team_files_count_without_a_restart(store):
    a = store.client("a", "bucket-a")
    new = team("c", x={"s3_bucket_name": "bucket-c"})
    less = team("a", x={"s3_bucket_name": "bucket-a"})
    assert store.teams_are(less, B, new)
    assert eventually(lambda: buckets(a) == ["bucket-a"])
    c = store.client("c", "bucket-c")
    assert eventually(lambda: buckets(c) == ["bucket-c"])
    assert store.teams_are(B, new)
    assert eventually(lambda: buckets(a) == ["AccessDenied"])
    assert not store.teams_are(B, new)


def test_the_server_gets_no_token_and_ends_with_its_parent(places):
    sync_keys(places, TeamDirectory(teams=(A,)), TODAY)
    start = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", start, *command(places, free_port())],
        env={**os.environ, "JUPYTERHUB_API_TOKEN": "canary"},
    )
    family = psutil.Process(parent.pid)
    assert eventually(lambda: len(family.children(recursive=True)) == 2)
    server, rclone = sorted(family.children(recursive=True), key=lambda p: "rclone" in p.name())
    assert eventually(lambda: rclone.environ().get("FAIRIHUB_S3_KEYS"))
    assert "JUPYTERHUB_API_TOKEN" not in rclone.environ()
    parent.kill()
    parent.wait()
    assert eventually(lambda: not running([server, rclone]))


def test_a_port_in_use_is_an_error(places):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        program = command(places, taken.getsockname()[1])
        server = subprocess.run(program, stderr=subprocess.PIPE, text=True, timeout=30)
    assert server.returncode != 0
    assert "in use" in server.stderr


def test_the_keys_are_private_and_stay(places):
    assert sync_keys(places, TeamDirectory(teams=(A, B)), TODAY)
    before = json.loads(keys_file(places).read_text())
    assert keys_file(places).stat().st_mode & 0o777 == 0o600
    assert sync_keys(places, TeamDirectory(teams=(B,)), TODAY)
    assert sync_keys(places, TeamDirectory(teams=(B, A)), TODAY)
    after = json.loads(keys_file(places).read_text())
    assert {t: k["key"] for t, k in after.items()} == {t: k["key"] for t, k in before.items()}
    assert (
        bucket_access(keys_file(places), "http://s3")("a", "bucket-a").secret
        == before["a"]["secret"]
    )
    assert bucket_access(keys_file(places), "http://s3")("a", "bucket-b") is None
    assert bucket_access(keys_file(places), "http://s3")("nobody", "bucket-b") is None


X = {"s3_bucket_name": "shared"}


@pytest.mark.parametrize(
    ("before", "teams", "full", "opens"),
    [
        ([], [team("a", x=X)], False, {"a"}),
        ([], [team("a", x=X), team("b", x=X)], False, {"a"}),
        (["b"], [team("a", x=X), team("b", x=X)], False, {"b"}),
        ([], [team("a", "ada", "2026-05-31", x=X)], False, set()),
        (["b"], [team("a", x=X)], True, set()),
        (["b"], [team("a", x=X)], False, {"a"}),
        (["b"], [team("a", x=X), team("b")], True, set()),
        (["b"], [team("a", x=X), team("b", "ada", "2026-05-31", x=X)], False, set()),
    ],
)
def test_a_bucket_is_of_the_team_that_had_it_first(tmp_path, before, teams, full, opens):
    (tmp_path / "shared").mkdir()
    if full:
        (tmp_path / "shared/data").touch()
    had = {t: {**new_key(), "owns": ["shared"], "buckets": {}} for t in before}
    keys = keys_for(TeamDirectory(teams=tuple(teams)), TODAY, had, lambda name: tmp_path / name)
    assert {t for t, own in keys.items() if own["buckets"]} == opens
