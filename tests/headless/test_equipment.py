"""What the worker of a run is given, and what it never sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairihub_core.errors import Refused
from fairihub_core.offers import Offer
from fairihub_core.places import Places
from fairihub_core.teams import Profile, Team
from fairihub_headless.equipment import Equipment, equipment_of
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Limits, Run
from fairihub_headless.settings import S3Settings
from tests.support.runs import NOON


def given(tmp_path: Path, profile: Profile) -> Equipment:
    places = Places(tmp_path)
    run = Run(
        id="r1", owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
        limits=Limits(mem_limit=1024), digest="0" * 64, created=NOON, updated=NOON,
    )  # fmt: skip
    keys = {"uc1": {"key": "FHKEY", "secret": "deep-secret", "buckets": {"bucket": "/b"}}}
    keys_file = tmp_path / "keys.json"
    keys_file.write_text(json.dumps(keys))
    s3 = S3Settings(endpoint="http://127.0.0.1:9", keys_file=keys_file)
    offer = Offer(Team(name="uc1", namespace="ns"), profile)
    return equipment_of(run, offer, RunFolder(tmp_path / "run"), places, s3)


def test_the_environment_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "the hub's")
    monkeypatch.setenv("FAIRIHUB_SERVICE", "/x")
    monkeypatch.setenv("LANG", "C.UTF-8")
    secret = Places(tmp_path).secret("ns", "deep")
    secret.mkdir(parents=True)
    for name, value in {"KEY": "k\n", "PATH": "/evil", "not a name": "x", "HOME": "/"}.items():
        (secret / name).write_text(value)
    profile = Profile(
        slug="small", display_name="", secret_names=("deep",), s3_bucket_name="bucket",
        mem_limit=4096,
    )  # fmt: skip
    equipment = given(tmp_path, profile)
    environment = equipment.environment
    assert environment["KEY"] == "k"
    assert environment["MEM_LIMIT"] == "1024"
    assert environment["HOME"] == str(Places(tmp_path).home("uc1", "ada"))
    assert environment["LANG"] == "C.UTF-8"
    assert environment["PATH"] != "/evil"
    assert environment["JOB_NAME"] == "r1"
    assert environment["S3_USER_STORAGE_BUCKET"] == equipment.bucket == "bucket"
    assert equipment.secret_names == ("AWS_SECRET_ACCESS_KEY", "KEY", "S3_USER_STORAGE_SECRET")
    assert not {"JUPYTERHUB_API_TOKEN", "FAIRIHUB_SERVICE", "not a name"} & set(environment)
    assert not Places(tmp_path).homes.exists()  # it is said, and not yet made


def test_another_teams_bucket_is_not_opened(tmp_path: Path) -> None:
    profile = Profile(slug="small", display_name="", s3_bucket_name="theirs")
    equipment = given(tmp_path, profile)
    assert "AWS_SECRET_ACCESS_KEY" not in equipment.environment
    assert equipment.bucket is None


@pytest.mark.parametrize(("content", "code"), [(None, "no-secret"), (b"\xff", "bad-secret"),
                                               (b"x" * 70_000, "bad-secret")])  # fmt: skip
def test_a_run_without_its_secret_does_not_start(
    tmp_path: Path, content: bytes | None, code: str
) -> None:
    if content is not None:
        secret = Places(tmp_path).secret("ns", "deep")
        secret.mkdir(parents=True)
        (secret / "KEY").write_bytes(content)
    with pytest.raises(Refused) as refused:
        given(tmp_path, Profile(slug="small", display_name="", secret_names=("deep",)))
    assert refused.value.code == code
