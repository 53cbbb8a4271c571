"""Customer objects of a cluster, followed through each fault that its API may have."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairihub_auth.customer_objects import CustomerObjects
from fairihub_auth.kube_access import Access
from fairihub_auth.object_following import Tempo
from fairihub_auth.publication import Publication
from fairihub_auth.watch import TeamWatch
from fairihub_core.errors import FairihubError
from fairihub_core.snapshot import FileReport
from fairihub_core.teams import TeamDirectory
from tests.support.standin_kube import (
    Empty,
    Garbage,
    Hang,
    Refusal,
    Slow,
    StandinKube,
    error_event,
    forbidden,
    gone,
    too_many,
)
from tests.support.waiting import eventually

Customer = Callable[..., str]
QUICK = Tempo(
    confirm=0.3, away=0.3, between=0.05, first_backoff=0.05, last_backoff=0.3, status_backoff=0.1
)
OFTEN = float("inf")


class Followed:
    """A cluster whose objects are followed by a watch, as in a hub."""

    def __init__(self, source: CustomerObjects, kept: Path | None = None) -> None:
        self.source = source
        self.publication = Publication()
        self.publication.subscribe(source.told)
        self.watch = TeamWatch(
            [source],
            lambda teams, files: self.publication.put(TeamDirectory(teams=teams), files),
            kept,
        )
        self.watch.start()

    @property
    def who(self) -> dict[str, str]:
        teams = self.publication.snapshot().directory.teams
        return {t.name: " ".join(m.login for m in t.members) for t in teams}

    def report(self, path: str) -> FileReport | None:
        return next((r for r in self.publication.snapshot().files if r.path == path), None)

    @property
    def codes(self) -> list[str]:
        files = self.publication.snapshot().files
        return [f.code for r in files if not r.ok for f in r.findings]

    def becomes(self, **who: str) -> bool:
        return bool(eventually(lambda: self.who == who, seconds=8))

    def told(self, code: str) -> bool:
        return bool(eventually(lambda: code in self.codes, seconds=8))


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        yield kube


@pytest.fixture
def put(kube: StandinKube, customer: Customer) -> Callable[..., dict[str, Any]]:
    def put(
        team: str,
        *logins: str,
        namespace: str = "core",
        holds: str | None = None,
        created: str = "2026-11-21T08:00:00Z",
        bucket: str | None = None,
    ) -> dict[str, Any]:
        made = yaml.safe_load(customer(team, *logins, bucket=bucket))
        made["metadata"] |= {"namespace": namespace, "creationTimestamp": created}
        made["spec"]["k8s-namespace"] = holds or team
        return kube.put("customers", made)

    return put


@pytest.fixture
def follow(kube: StandinKube, tmp_path: Path) -> Iterator[Callable[..., Followed]]:
    started: list[Followed] = []
    config = kube.kubeconfig(tmp_path / "config")

    def start(
        kept: Path | None = None,
        tempo: Tempo = QUICK,
        namespace: str | None = None,
        operators: str | None = "core",
    ) -> Followed:
        access = Access(kubeconfig=config, namespace=namespace)
        source = CustomerObjects(access, name="cluster", operators=operators, tempo=tempo)
        started.append(Followed(source, kept))
        return started[-1]

    yield start
    kube.release()
    for followed in started:
        followed.watch.stop()


Follow = Callable[..., Followed]
Put = Callable[..., dict[str, Any]]


def ready(kube: StandinKube, name: str = "uc4", namespace: str = "core") -> str:
    status = kube.get("customers", namespace, name).get("status", {})
    return next((c["status"] for c in status.get("conditions", []) if c["type"] == "Ready"), "")


def test_an_object_is_a_team_and_a_change_of_it_counts_at_once(
    kube: StandinKube, put: Put, follow: Follow
) -> None:
    made = put("uc4", "ada", "bob")
    hub = follow()
    assert hub.who == {"uc4": "ada bob"}
    report = hub.report("core/uc4")
    assert report is not None
    assert (report.source, report.revision) == ("cluster", made["metadata"]["resourceVersion"])
    assert (
        str(report.place("bob")) == f"cluster: core/uc4, at {made['metadata']['resourceVersion']}"
    )
    put("uc4", "ada", "eve")
    put("uc5", "carl")
    assert hub.becomes(uc4="ada eve", uc5="carl")
    kube.remove("customers", "core", "uc4")
    assert hub.becomes(uc5="carl")
    assert len(kube.requests("list", "customers")) == 1


@pytest.mark.parametrize(
    ("elder", "younger", "who"),
    [
        ("core", "core", {"b": "ada"}),
        ("b", "core", {"a": "eve"}),
    ],
)
def test_what_two_objects_want_goes_to_the_operators_then_to_the_elder(
    put: Put, follow: Follow, elder: str, younger: str, who: dict[str, str]
) -> None:
    put("b", "ada", namespace=elder, created="2020-01-01T00:00:00Z")
    put("a", "eve", namespace=younger, holds="b")
    hub = follow()
    assert hub.who == who
    assert hub.codes == ["namespace-taken"]


@pytest.mark.parametrize(
    "happens",
    [
        lambda kube: kube.end("customers"),
        lambda kube: kube.tear("customers"),
        lambda kube: kube.tear("customers", b'{"type": "MODIFIED"}\n'),
        lambda kube: kube.say("customers", b"no JSON\n"),
        lambda kube: kube.say("customers", error_event(410)),
        lambda kube: kube.say("customers", error_event(500)),
        lambda kube: kube.say("customers", {"type": "ADDED", "object": {"kind": "Customer"}}),
        lambda kube: (kube.fail(gone(), verb="watch"), kube.end("customers")),
        lambda kube: (kube.fail(gone(), verb="watch", times=4), kube.end("customers")),
        lambda kube: (kube.fail(too_many(0), verb="watch"), kube.end("customers")),
        lambda kube: (kube.fail(too_many(0), verb="list", times=2), kube.tear("customers")),
        lambda kube: (kube.fail(Refusal(500), verb="list", times=3), kube.tear("customers")),
        lambda kube: (kube.fail(Garbage(), verb="list", times=2), kube.tear("customers")),
        lambda kube: (kube.fail(Garbage(b"[]"), verb="list"), kube.tear("customers")),
        lambda kube: (kube.fail(Slow(0.5), verb="list"), kube.tear("customers")),
        lambda kube: (kube.fail(Empty(), verb="list"), kube.tear("customers")),
        lambda kube: (kube.forget(), kube.bookmark("customers"), kube.end("customers")),
    ],
)
def test_whatever_happens_to_a_stream_the_next_change_is_seen_and_no_team_is_lost(
    kube: StandinKube, put: Put, follow: Follow, happens: Callable[[StandinKube], object]
) -> None:
    put("uc4", "ada")
    put("uc5", "carl")
    hub = follow()
    heard: list[dict[str, str]] = []
    hub.publication.subscribe(lambda _, after: heard.append(hub.who))
    assert eventually(lambda: kube.watching("customers"), seconds=8)
    happens(kube)
    put("uc4", "ada", "bob")
    assert hub.becomes(uc4="ada bob", uc5="carl")
    assert all(who.keys() == {"uc4", "uc5"} for who in heard)


def test_a_list_with_nothing_in_it_counts_only_if_a_second_one_says_so(
    kube: StandinKube, put: Put, follow: Follow
) -> None:
    put("uc4", "ada")
    hub = follow()
    kube.fail(Empty(), verb="list")
    kube.fail(Hang(), verb="list")
    kube.tear("customers")
    assert hub.told("empty-list")
    assert hub.who == {"uc4": "ada"}
    kube.behave()
    assert eventually(lambda: hub.codes == [], seconds=8)
    assert hub.who == {"uc4": "ada"}
    assert hub.becomes(uc4="ada")
    asked = kube.requests("list", "customers")
    assert [a.query.get("resourceVersion") for a in asked] == [None] * len(asked)


def test_the_last_object_that_is_deleted_is_looked_for_twice(
    kube: StandinKube, put: Put, follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    put("uc4", "ada")
    hub = follow()
    assert eventually(lambda: kube.watching("customers"), seconds=8)
    kube.remove("customers", "core", "uc4")
    assert hub.told("empty-list")
    assert hub.becomes()
    assert len(kube.requests("list", "customers")) == 3
    assert "no Customer objects any more" in caplog.text


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Refusal(503, "ServiceUnavailable"), "source-away"),
        (too_many(0), "source-away"),
        (forbidden(), "cluster-refused"),
        (Refusal(401, "Unauthorized", "Unauthorized"), "cluster-refused"),
        (Refusal(404, "NotFound", "the server could not find the resource"), "no-customer-kind"),
        (Garbage(b'{"kind": "PodList", "items": []}', "application/json"), "source-away"),
    ],
)
def test_a_refusal_that_lasts_is_said_and_takes_nothing(
    kube: StandinKube, put: Put, follow: Follow, fault: Any, code: str
) -> None:
    put("uc4", "ada")
    hub = follow()
    kube.fail(fault, verb="list", times=OFTEN)
    kube.tear("customers")
    assert hub.told(code)
    assert hub.who == {"uc4": "ada"}
    kube.behave()
    put("uc4", "ada", "bob")
    assert hub.becomes(uc4="ada bob")
    assert eventually(lambda: hub.codes == [], seconds=8)


def test_an_api_that_is_away_takes_nothing_also_from_a_hub_that_starts_meanwhile(
    kube: StandinKube, put: Put, follow: Follow, tmp_path: Path
) -> None:
    put("uc4", "ada")
    kept = tmp_path / "teams.json"
    hub = follow(kept)
    kube.close()
    assert hub.told("source-away")
    assert hub.who == {"uc4": "ada"}
    hub.watch.stop()
    again = follow(kept)
    assert again.who == {"uc4": "ada"}
    assert "source-away" in again.codes
    kube.start()
    put("uc4", "eve")
    assert again.becomes(uc4="eve")
    assert eventually(lambda: again.codes == [], seconds=8)


def test_an_api_that_hangs_is_said_and_takes_nothing(
    kube: StandinKube, put: Put, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairihub_auth.customer_api.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("fairihub_auth.customer_api.SILENCE_SECONDS", 0.5)
    put("uc4", "ada")
    hub = follow()
    kube.fail(Hang(), times=OFTEN)
    assert hub.told("source-away")
    assert hub.who == {"uc4": "ada"}
    kube.behave()
    put("uc4", "ada", "bob")
    assert hub.becomes(uc4="ada bob")


def test_retry_after_is_waited_for(kube: StandinKube, put: Put, follow: Follow) -> None:
    put("uc4", "ada")
    follow()
    kube.fail(too_many(1.2), verb="list")
    kube.tear("customers")
    assert eventually(lambda: len(kube.requests("list", "customers")) == 2, seconds=8)
    began = time.monotonic()
    assert eventually(lambda: len(kube.requests("list", "customers")) == 3, seconds=8)
    assert time.monotonic() - began > 0.9


def test_no_cluster_at_all_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("token: [s3cr3t")
    source = CustomerObjects(Access(kubeconfig=broken), name="cluster", tempo=QUICK)
    source.start(lambda: None)
    with pytest.raises(FairihubError) as refusal:
        source.stamps()
    source.stop()
    assert refusal.value.code == "no-cluster"
    assert "s3cr3t" not in refusal.value.message


def test_many_objects_come_page_by_page(kube: StandinKube, put: Put, follow: Follow) -> None:
    for number in range(230):
        put(f"uc{number}", "ada")
    hub = follow()
    assert len(hub.who) == 230
    assert len(kube.requests("list", "customers")) == 3


def test_findings_name_the_object_its_version_and_the_field(
    kube: StandinKube, put: Put, follow: Follow
) -> None:
    put("uc4", "ada")
    hub = follow()
    spec = kube.get("customers", "core", "uc4")["spec"]
    spec["activations"][0]["data"]["storage"] = "much"
    made = kube.update("customers", "core", "uc4", spec=spec)
    assert hub.told("bad-size")
    report = hub.report("core/uc4")
    assert report is not None
    version = made["metadata"]["resourceVersion"]
    said = f"core/uc4@{version}, spec.activations[0].data.storage: storage cannot be “much”."
    assert report.findings[0].message == said
    assert report.findings[0].line == 0
    assert hub.who == {"uc4": "ada"}
    assert report.read == version != report.revision


@pytest.mark.parametrize("written", [83, True, 1.5, ["ada"], {"a": "b"}])
def test_a_login_that_was_no_text_lets_nobody_in(
    kube: StandinKube, put: Put, follow: Follow, written: Any
) -> None:
    put("uc4", "ada")
    hub = follow()
    spec = kube.get("customers", "core", "uc4")["spec"]
    spec["allowedLogins"].append({"userName": written})
    kube.update("customers", "core", "uc4", spec=spec)
    assert hub.told("lost-login")
    assert hub.who == {"uc4": "ada"}


@pytest.mark.parametrize(
    ("namespace", "team", "k8s_namespace", "bucket", "code"),
    [
        ("uc4", "uc4", "uc4", "uc4", None),
        ("uc4", "uc4", "uc4", "hub-uc4", None),
        ("uc4", "uc4", "uc5", None, "foreign-namespace"),
        ("uc4", "uc5", "uc4", None, "foreign-name"),
        ("uc4", "uc5", "uc5", None, "foreign-namespace"),
        ("uc4", "uc4", "uc4", "hub-uc5", "foreign-bucket"),
        ("core", "uc4", "uc5", "any", None),
    ],
)
def test_who_may_write_in_a_namespace_describes_the_team_of_that_namespace(
    put: Put,
    follow: Follow,
    namespace: str,
    team: str,
    k8s_namespace: str,
    bucket: str | None,
    code: str | None,
) -> None:
    put(team, "eve", namespace=namespace, holds=k8s_namespace, bucket=bucket)
    hub = follow()
    assert hub.codes == ([code] if code else [])
    assert list(hub.who) == ([] if code else [team])


def test_without_a_namespace_of_operators_every_object_keeps_to_its_own(
    put: Put, follow: Follow
) -> None:
    put("uc4", "ada", namespace="core")
    hub = follow(operators=None)
    assert hub.codes == ["foreign-namespace"]


def test_one_namespace_is_asked_for_alone(kube: StandinKube, put: Put, follow: Follow) -> None:
    put("uc4", "ada")
    put("uc5", "eve", namespace="uc5")
    hub = follow(namespace="core")
    assert hub.who == {"uc4": "ada"}
    assert {a.namespace for a in kube.asked} == {"core"}


def test_the_status_says_what_became_of_the_object(
    kube: StandinKube, put: Put, follow: Follow
) -> None:
    made = put("uc4", "ada", "bob")
    follow()
    assert eventually(lambda: ready(kube) == "True", seconds=8)
    status = kube.get("customers", "core", "uc4")["status"]
    assert (status["team"], status["members"], status["expires"]) == ("uc4", 2, "2099-12-31")
    assert status["observedGeneration"] == 1
    assert status["observedResourceVersion"] == made["metadata"]["resourceVersion"]
    assert status["findings"] == []
    since = status["conditions"][0]["lastTransitionTime"]
    broken = kube.update("customers", "core", "uc4", spec={"activations": "none"})
    assert eventually(lambda: ready(kube) == "False", seconds=8)
    status = kube.get("customers", "core", "uc4")["status"]
    (condition,) = status["conditions"]
    assert (condition["reason"], condition["observedGeneration"]) == ("LastGoodKept", 2)
    assert "stays as it was last in order" in condition["message"]
    assert condition["lastTransitionTime"] >= since
    assert status["findings"][0] == {
        "severity": "error",
        "code": "bad-structure",
        "message": "spec.activations: “activations” must be a list of entries with keys.",
        "object": "core/uc4",
        "resourceVersion": broken["metadata"]["resourceVersion"],
    }
    assert status["team"] == "uc4"


def test_of_two_objects_that_want_one_namespace_the_status_tells_who_lost(
    kube: StandinKube, put: Put, follow: Follow
) -> None:
    put("uc4", "ada")
    hub = follow()
    put("uc5", "eve")
    assert hub.becomes(uc4="ada", uc5="eve")
    kube.update("customers", "core", "uc5", spec={"k8s-namespace": "uc4"})
    assert eventually(lambda: ready(kube, "uc5") == "False", seconds=8)
    generation = kube.get("customers", "core", "uc5")["status"]["observedGeneration"]
    assert generation == 2
    kube.remove("customers", "core", "uc4")
    assert eventually(lambda: ready(kube, "uc5") == "True", seconds=8)


def test_a_status_is_written_once_also_over_a_restart_and_beside_another_writer(
    kube: StandinKube, put: Put, follow: Follow, tmp_path: Path
) -> None:
    put("uc4", "ada")
    put("broken", "eve")
    kube.update("customers", "core", "broken", spec={"activations": "none"})
    hub = follow()
    assert eventually(lambda: (ready(kube), ready(kube, "broken")) == ("True", "False"), seconds=8)
    theirs = {"type": "Synced", "status": "True"}
    status = kube.get("customers", "core", "uc4")["status"]
    both = {"conditions": [theirs, *status["conditions"]], "members": 99}
    kube.update("customers", "core", "uc4", status=both)
    version = kube.store.version
    hub.watch.stop()
    again = follow()
    assert again.who == {"uc4": "ada"}
    assert eventually(lambda: kube.store.version > version, seconds=8)
    assert len(kube.requests("patch", "customers")) == 3
    status = kube.get("customers", "core", "uc4")["status"]
    assert status["members"] == 1
    assert [c["type"] for c in status["conditions"]] == ["Synced", "Ready"]
    kube.update("customers", "core", "uc4", status={"members": 98})
    put("uc5", "carl")
    assert eventually(lambda: ready(kube, "uc5") == "True", seconds=8)
    assert len(kube.requests("patch", "customers")) == 4


@pytest.mark.parametrize("fault", [forbidden(), Refusal(500), too_many(0)])
def test_a_status_that_cannot_be_written_is_logged_once_and_tried_again(
    kube: StandinKube, put: Put, follow: Follow, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    caplog.set_level(logging.WARNING, "fairihub.teams")
    put("uc4", "ada")
    kube.fail(fault, verb="patch", times=3)
    hub = follow()
    assert hub.who == {"uc4": "ada"}
    assert eventually(lambda: ready(kube) == "True", seconds=8)
    assert caplog.text.count("The status of core/uc4 is not written") == 1
    assert len(kube.requests("patch", "customers")) == 4


def test_a_status_for_an_object_that_is_another_by_now_is_given_up(
    kube: StandinKube, put: Put, follow: Follow
) -> None:
    put("uc4", "ada")
    kube.fail(Refusal(409, "Conflict", "the UID is another"), verb="patch")
    follow()
    assert eventually(lambda: kube.requests("patch", "customers"), seconds=8)
    put("uc5", "eve")
    assert eventually(lambda: ready(kube, "uc5") == "True", seconds=8)
    assert ready(kube) == ""
