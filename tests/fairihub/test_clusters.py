"""The way to a cluster, looked for before the hub starts: whole paths, and words for slips."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from fairihub.clusters import keep_whole_paths, require_clusters, warnings
from fairihub.settings import Settings
from fairihub.team_file_settings import KubernetesTeams
from fairihub_core.errors import Unavailable
from tests.support.ports import free_port
from tests.support.refused_up import refused_up
from tests.support.standin_kube import Hang, Refusal, StandinKube

PODS = Settings.model_validate(
    {"kubernetes": {"reach": "127.0.0.1", "image": "localhost/lab:1", "default_storage": "1Gi"}}
)
ASKING = {
    "kubernetes": (PODS, ()),
    "team_files": (Settings(), (KubernetesTeams(kubernetes="auto"),)),
}
CLUSTER = {"server": "https://10.0.0.1:6443", "insecure-skip-tls-verify": True}
GOOD = {
    "clusters": [{"name": "one", "cluster": CLUSTER}],
    "users": [{"name": "hub", "user": {"token": "s3cr3t"}}],
    "contexts": [{"name": "here", "context": {"cluster": "one", "user": "hub"}}],
    "current-context": "here",
}
NO_USER = {**GOOD, "users": [{"name": "hub", "token": "s3cr3t"}]}
NO_CERTIFICATE = {
    **GOOD,
    "clusters": [
        {"name": "one", "cluster": {"server": "https://10.0.0.1", "certificate-authority": "ca"}}
    ],
}


@pytest.fixture(autouse=True)
def beside_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("named", "whole"),
    [
        ("hub.kubeconfig", "/here/hub.kubeconfig"),
        ("../hub.kubeconfig", "/here/../hub.kubeconfig"),
        ("/etc/hub.kubeconfig", "/etc/hub.kubeconfig"),
        ("a:/b::c/d:", "/here/a:/b:/here/c/d"),
        ("", None),
        (":", None),
        (None, None),
    ],
)
def test_what_kubeconfig_names_is_found_from_any_folder(
    named: str | None, whole: str | None
) -> None:
    environment = {} if named is None else {"KUBECONFIG": named}
    keep_whole_paths(environment, Path("/here"))
    assert environment.get("KUBECONFIG") == whole


def test_the_home_folder_is_whole_too(tmp_path: Path) -> None:
    environment = {"KUBECONFIG": "~/config"}
    keep_whole_paths(environment, Path("/here"))
    assert environment["KUBECONFIG"] == str(tmp_path / "home/config")


def test_a_hub_without_a_cluster_needs_none() -> None:
    require_clusters(Settings(), ())


@pytest.mark.parametrize("named", ["hub.kubeconfig", "missing:hub.kubeconfig"])
def test_a_kubeconfig_in_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    (tmp_path / "hub.kubeconfig").write_text(yaml.safe_dump(GOOD))
    monkeypatch.setenv("KUBECONFIG", named)
    require_clusters(PODS, (KubernetesTeams(kubernetes="auto"),))
    monkeypatch.chdir("/")
    assert str(tmp_path / "hub.kubeconfig") in os.environ["KUBECONFIG"].split(":")
    require_clusters(PODS, (KubernetesTeams(kubernetes="auto", context="here"),))


def _text(path: Path, text: str) -> None:
    path.write_text(text)


def _nothing(path: Path, text: str) -> None:
    pass


def _folder(path: Path, text: str) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "text", "said"),
    [
        (_nothing, "", "KUBECONFIG: There is no file {file}."),
        (_folder, "", "{file}: Is a directory."),
        (_text, "", "{file}: this is no kubeconfig."),
        (_text, "s3cr3t", "{file}: this is no kubeconfig."),
        (_text, "- s3cr3t", "{file}: this is no kubeconfig."),
        (_text, "token: [s3cr3t", "{file}: this is not valid YAML."),
        (_text, "users: 3", "{file}: this is no kubeconfig."),
        (_text, "kind: Config", "Expected key current-context"),
        (_text, yaml.safe_dump({**GOOD, "current-context": "x"}), "Expected object with name x"),
        (_text, yaml.safe_dump({**GOOD, "clusters": []}), "Expected object with name one"),
        (_text, yaml.safe_dump(NO_USER), "Expected key user"),
        (_text, yaml.safe_dump(NO_CERTIFICATE), "File does not exists"),
    ],
    ids=range(12),
)
@pytest.mark.parametrize("asks", ASKING)
def test_each_slip_is_said_before_the_hub_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path, str], None], text: str,
    said: str, asks: str,
) -> None:  # fmt: skip
    file = tmp_path / "hub.kubeconfig"
    make(file, text)
    monkeypatch.setenv("KUBECONFIG", "hub.kubeconfig")
    settings, sources = ASKING[asks]
    with pytest.raises(Unavailable) as refusal:
        require_clusters(settings, sources)
    message = refusal.value.message
    assert refusal.value.code == "no-cluster"
    assert message.startswith(f"{asks}: There is no way to the cluster. KUBECONFIG: ")
    assert said.format(file=file) in message
    assert "s3cr3t" not in message


def test_without_any_name_the_usual_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"KUBECONFIG is not set, and there is no file .*config"):
        require_clusters(PODS, ())


def test_a_kubeconfig_of_the_settings_counts_from_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "fairihub.yaml").write_text("team_files: [{kubernetes: hub.kubeconfig}]\n")
    data = tmp_path / "data"
    places = ["--settings", "etc/fairihub.yaml", "--data", str(data), "--port", str(free_port())]
    refused = refused_up(*places, cwd=tmp_path)
    assert refused.returncode == 1
    told = f"team_files: There is no way to the cluster. There is no file {folder}/hub"
    assert told in refused.stderr
    assert not data.exists()


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        yield kube


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (None, []),
        (403, []),
        (401, ["No server can start now.", "does not accept the hub’s credentials (401)"]),
        (503, ["No server can start now.", "answers 503", "See whether it runs"]),
    ],
)
def test_a_cluster_that_refuses_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kube: StandinKube, status: int | None,
    said: list[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("KUBECONFIG", str(kube.kubeconfig(tmp_path / "hub.kubeconfig")))
    if status is not None:
        kube.fail(Refusal(status))
    told = list(warnings(PODS))
    assert len(told) == bool(said)
    assert all(words in told[0] for words in said)


def test_a_cluster_that_is_not_there_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"https://127.0.0.1:{free_port()}"
    there = {"name": "one", "cluster": {**CLUSTER, "server": address}}
    (tmp_path / "hub.kubeconfig").write_text(yaml.safe_dump({**GOOD, "clusters": [there]}))
    monkeypatch.setenv("KUBECONFIG", "hub.kubeconfig")
    (told,) = warnings(PODS)
    assert told.startswith(f"No server can start now. The cluster at {address} does not answer")
    assert "s3cr3t" not in told


def test_a_certificate_that_is_none_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    cluster = {
        "server": "https://127.0.0.1:6443",
        "certificate-authority": str(tmp_path / "ca.pem"),
    }
    (tmp_path / "hub.kubeconfig").write_text(
        yaml.safe_dump({**GOOD, "clusters": [{"name": "one", "cluster": cluster}]})
    )
    monkeypatch.setenv("KUBECONFIG", "hub.kubeconfig")
    (told,) = warnings(PODS)
    assert "does not answer within" not in told
    assert "hub.kubeconfig" in told
    assert "Traceback" not in capfd.readouterr().err


def test_a_cluster_that_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kube: StandinKube
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kube.kubeconfig(tmp_path / "hub.kubeconfig")))
    monkeypatch.setattr("fairihub_auth.kube_access._ASK_SECONDS", 0.2)
    kube.fail(Hang())
    (told,) = warnings(PODS)
    assert "does not answer within" in told


def test_a_hub_without_a_cluster_warns_of_none() -> None:
    assert list(warnings(Settings())) == []
