"""Every cause of a start that fails, from what the cluster says of it to the words for people."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairihub_core.start_causes import CAUSES, WHO
from fairihub_core.starts import Diagnosis, diagnosed, refused, start_of
from fairihub_spawner.kube.api import refusal_for, unreachable
from fairihub_spawner.kube.diagnosis import diagnose, given_up, queue_before
from fairihub_spawner.kube.starts import begun
from tests.support.kube_objects import (
    CLAIM,
    IMAGE,
    NOW,
    ago,
    claim,
    ended,
    event,
    nodes,
    pod,
    running,
    scheduler_event,
    waiting,
)

from .conftest import settings

DOCS = Path(__file__).parent.parent.parent.parent / "docs"
SETTINGS = settings(pending_seconds=600, volume_seconds=180, pull_seconds=1200)
MISSING_IMAGE = (
    f'Failed to pull image "{IMAGE}": rpc error: code = NotFound desc = failed to pull and unpack '
    f'image "{IMAGE}": failed to resolve reference "{IMAGE}": {IMAGE}: not found'
)
SECRET = 'MountVolume.SetUp failed for volume "secret-qhub" : secret "qhub" not found'
NO_SPACE = "OSError: [Errno 28] No space left on device: '/home/jovyan/.local/share/jupyter'"


def pulling(said: str, reason: str = "ErrImagePull", image: str = IMAGE, **more: Any) -> dict:
    return {"pod": pod(state=waiting(reason, said.replace(IMAGE, image)), image=image, **more)}


def unplaced(said: str, **more: Any) -> dict:
    return {"pod": pod(node=None, unschedulable=said, **more)}


def said_of(*why: str) -> str:
    """What the scheduler says where no pod need go, as none would make room."""
    not_helpful = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    return f"{nodes(*why)} no new claims to deallocate, {not_helpful}"


def hopeless(*why: str, **more: Any) -> dict:
    return unplaced(said_of(*why), **more)


def creating(*events: dict, age: float = 40, **more: Any) -> dict:
    return {"pod": pod(state=waiting("ContainerCreating"), age=age), "events": events, **more}


def crash(code: int, reason: str = "Error", *, words: tuple[str, ...] = (), **more: Any) -> dict:
    made = pod(state=waiting("CrashLoopBackOff", "back-off 10s restarting failed container"),
               last=ended(code, reason, **more), restarts=1)  # fmt: skip
    return {"pod": made, "last_words": words}


# Code, whether the start is lost at this moment, what the cluster says.
CASES: list[tuple[str, bool, dict[str, Any]]] = [
    ("image-missing", True, pulling(MISSING_IMAGE)),
    ("image-missing", True, pulling("manifest unknown: manifest unknown")),
    (
        "image-missing",
        True,
        # Older kubelets say why in an event only.
        pulling(f'Back-off pulling image "{IMAGE}"', "ImagePullBackOff")
        | {"events": [event("Failed", MISSING_IMAGE), event("Failed", "Error: ImagePullBackOff")]},
    ),
    (
        "image-missing",
        True,
        pulling(f'Back-off pulling image "{IMAGE}": ErrImagePull: {MISSING_IMAGE}',
                "ImagePullBackOff"),
    ),
    (
        "image-denied",
        True,
        pulling('failed to authorize: failed to fetch anonymous token: unexpected status from GET '
                'request to https://quay.io/v2/auth?scope=x: 401 Unauthorized'),
    ),
    (
        "image-denied",
        True,
        pulling("pull access denied, repository does not exist or may require authorization: "
                "server message: insufficient_scope: authorization failed"),
    ),
    (
        "registry-away",
        False,
        pulling('failed to do request: Head "https://quay.io/v2/not-found/manifests/x": dial tcp: '
                "lookup quay.io on 10.96.0.10:53: no such host", image="quay.io/not-found:1"),
    ),
    ("registry-away", False, pulling("net/http: TLS handshake timeout", "ImagePullBackOff")),
    ("registry-away", False, pulling("", "RegistryUnavailable")),
    ("registry-away", False, pulling("unexpected status code: 503 Service Unavailable")),
    ("registry-away", True, pulling("dial tcp 10.1.2.3:443: i/o timeout", age=1300)),
    (
        "registry-busy",
        False,
        pulling("429 Too Many Requests - toomanyrequests: You have reached your pull rate limit."),
    ),
    ("image-unfit", True, pulling("no match for platform in manifest: not found")),
    ("image-name-bad", True, pulling(
        'Failed to apply default image tag "a b": couldn\'t parse image name "a b": invalid '
        "reference format", "InvalidImageName")),
    ("image-not-there", True, pulling(
        f'Container image "{IMAGE}" is not present with pull policy of Never',
        "ErrImageNeverPull")),
    ("image-not-trusted", True, pulling("image signature", "SignatureValidationFailed")),
    ("image-not-pulled", False, pulling("rpc error: code = Unknown desc = something else")),
    ("node-disk-full", False, pulling(
        "failed to extract layer sha256:1: write /var/lib/containerd/x: no space left on device")),
    ("image-slow", True, creating(
        event("Pulling", f'Pulling image "{IMAGE}"', at=1210, warning=False), age=1215)),
    ("no-memory-free", False, unplaced(nodes("1 Insufficient memory",
        "2 node(s) didn't match Pod's node affinity/selector"))),
    ("no-memory-free", True, unplaced(nodes("3 Insufficient memory"), age=700)),
    ("no-cpu-free", False, unplaced(nodes("3 Insufficient cpu"))),
    ("no-gpu-free", False, unplaced(nodes("1 Insufficient cpu", "3 Insufficient nvidia.com/gpu"))),
    ("no-disk-free", False, unplaced(nodes("3 Insufficient ephemeral-storage"))),
    ("resources-short", False, unplaced(nodes("1 Insufficient cpu", "2 Insufficient memory"))),
    # As newer versions of Kubernetes say it where no other pod is in the way.
    ("no-such-gpu", False, hopeless("3 Insufficient nvidia.com/gpu")),
    ("no-such-gpu", True, hopeless("3 Insufficient nvidia.com/gpu", age=70)),
    ("nodes-too-small", True, hopeless("3 Insufficient memory", age=70)),
    ("nodes-too-small", True, hopeless(
        "1 Insufficient cpu", "2 Insufficient nvidia.com/gpu", age=70)),
    ("nodes-too-small", True, hopeless(
        "1 Insufficient memory", "2 node(s) didn't match Pod's node affinity/selector", age=70)),
    ("no-memory-free", False, unplaced(
        nodes("3 Insufficient memory") + " preemption: 0/3 nodes are available: 1 No preemption "
        "victims found for incoming pod, 2 Preemption is not helpful for scheduling.", age=70)),
    # What a node that is out of service would have, nobody says.
    ("no-memory-free", False, hopeless(
        "2 Insufficient memory", "1 node(s) were unschedulable", age=70)),
    (
        "nodes-too-small",
        False,
        # A large node has just gone.
        hopeless("3 Insufficient memory", age=300) | {"events": [
            scheduler_event("FailedScheduling", said_of("3 Insufficient memory"))]},
    ),
    ("no-matching-node", True, hopeless(
        "3 node(s) didn't match Pod's node affinity/selector", age=70)),
    (
        "node-coming",
        False,
        hopeless("3 Insufficient nvidia.com/gpu", age=70)
        | {"events": [event("TriggeredScaleUp", "pod triggered scale-up: [{gpu 0->1 (max: 4)}]",
                            at=30, warning=False)]},
    ),
    (
        "node-coming",
        False,
        hopeless("3 Insufficient nvidia.com/gpu", age=70)
        | {"events": [event("Nominated", "Pod should schedule on: nodeclaim/gpu-x2x4z",
                            at=30, warning=False)]},
    ),
    ("nodes-crowded", False, unplaced(nodes("3 Too many pods"))),
    ("no-matching-node", False, unplaced(nodes(
        "3 node(s) didn't match Pod's node affinity/selector"))),
    ("node-tainted", False, unplaced(nodes(
        "1 node(s) had untolerated taint {nvidia.com/gpu: present}",
        "2 node(s) didn't match Pod's node affinity/selector"))),
    ("node-tainted", False, unplaced(nodes("3 node(s) had untolerated taint(s)"))),
    ("nodes-closed", False, unplaced(nodes("3 node(s) were unschedulable"))),
    ("nodes-closed", False, unplaced(nodes(
        "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
        "2 node(s) didn't match Pod's node affinity/selector"))),
    ("no-nodes", False, unplaced("no nodes available to schedule pods")),
    ("not-scheduled", True, {"pod": pod(node=None, age=700)}),
    ("not-scheduled", False, unplaced("a plugin of our own says no")),
    (
        "no-memory-free",
        False,
        # From the event alone, which has no `lastTimestamp`.
        {"pod": pod(node=None),
         "events": [scheduler_event("FailedScheduling", nodes("3 Insufficient memory"))]},
    ),
    (
        "node-coming",
        False,
        unplaced(nodes("3 Insufficient memory"), age=900)
        | {"events": [event("TriggeredScaleUp", "pod triggered scale-up: [{asg 1->2 (max: 4)}]",
                            at=400, warning=False)]},
    ),
    ("volume-waiting", False, unplaced("0/3 nodes are available: pod has unbound immediate "
        "PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not …")),
    ("volume-elsewhere", False, unplaced(nodes("3 node(s) had volume node affinity conflict"))),
    (
        "volume-elsewhere",
        False,
        # As Kubernetes 1.34 says it.
        unplaced(
            "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 "
            "node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, "
            "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        ),
    ),
    ("volume-limit", False, unplaced(nodes("3 node(s) exceed max volume count"))),
    ("volume-missing", False, unplaced('persistentvolumeclaim "home" not found', age=5)),
    ("volume-missing", True, unplaced('persistentvolumeclaim "home" not found', age=30)),
    # There it is: the scheduler has not heard of it yet, as after an API that was away.
    ("volume-waiting", False,
     {**unplaced(f'persistentvolumeclaim "{CLAIM}" not found', age=60), "claims": [claim()]}),
    ("volume-ending", True, unplaced('persistentvolumeclaim "home" is being deleted', age=30)),
    ("volume-lost", True, creating(claims=[claim("Lost")])),
    (
        "volume-not-made",
        False,
        unplaced("pod has unbound immediate PersistentVolumeClaims", age=20)
        | {"claims": [claim("Pending")],
           "events": [event("ProvisioningFailed", "failed to provision volume with StorageClass "
                            '"fast": rpc error: code = ResourceExhausted desc = out of capacity',
                            kind="PersistentVolumeClaim")]},
    ),
    (
        "storage-class-missing",
        True,
        {"pod": pod(node=None, age=50), "claims": [claim("Pending")],
         "events": [event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found',
                          kind="PersistentVolumeClaim", first=45)]},
    ),
    ("volume-in-use", False, creating(event(
        "FailedAttachVolume", 'Multi-Attach error for volume "pvc-0f5c" Volume is already '
        "exclusively attached to one node and can't be attached to another"))),
    ("volume-not-attached", False, creating(event(
        "FailedAttachVolume", 'AttachVolume.Attach failed for volume "pvc-0f5c" : rpc error'))),
    ("volume-not-mounted", False, creating(event(
        "FailedMount", 'MountVolume.MountDevice failed for volume "pvc-0f5c" : exit status 32'))),
    ("volume-not-mounted", True, creating(event(
        "FailedMount", 'MountVolume.SetUp failed for volume "pvc" : exit status 32', first=200),
        age=210)),
    # A node whose disk is full: wherever it shows, only another start finds another node.
    ("node-disk-full", True, creating(event("FailedMount", "no space left on device"))),
    ("node-disk-full", True, creating(event("FailedCreatePodSandBox", "no space left on device"))),
    ("secret-missing", False, creating(event("FailedMount", SECRET), age=8)),
    ("secret-missing", True, creating(event("FailedMount", SECRET, first=30))),
    ("secret-missing", True, {"pod": pod(
        state=waiting("CreateContainerConfigError", 'secret "qhub" not found'), age=30)}),
    ("secret-missing", True, {"pod": pod(state=waiting(
        "CreateContainerConfigError", "couldn't find key DB in Secret urban/qhub"), age=30)}),
    ("image-needs-root", True, {"pod": pod(state=waiting(
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root (pod: \"x\")"))}),
    ("bad-container", True, {"pod": pod(
        state=waiting("CreateContainerError", "context canceled"))}),
    ("bad-container", False, {"pod": pod(state=waiting(
        "CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the "
        "condition"))}),
    ("command-missing", True, {"pod": pod(state=waiting(
        "RunContainerError", 'failed to create containerd task: exec: "jupyterhub-singleuser": '
        "executable file not found in $PATH: unknown"))}),
    ("command-missing", True, crash(128, "StartError", message='exec: "jupyterhub-singleuser": '
        "executable file not found in $PATH")),
    ("command-missing", True, crash(127)),
    ("sandbox-failed", False, creating(event(
        "FailedCreatePodSandBox", "Failed to create pod sandbox: plugin type=\"calico\" failed"))),
    ("server-crashed", True, crash(1, words=("ModuleNotFoundError: No module named 'x'",))),
    ("server-crashed", False, {"pod": pod(phase="Running", state=ended(1))}),
    ("server-crashed", True, {"pod": pod(phase="Failed", state=ended(1))}),
    ("server-ended", True, {"pod": pod(phase="Succeeded", state=ended(0, "Completed"))}),
    ("server-out-of-memory", True, {"pod": pod(phase="Running", state=ended(137, "OOMKilled"))}),
    ("volume-full", True, crash(1, words=("Traceback", NO_SPACE))),
    ("volume-full", True, crash(1, words=("OSError: [Errno 122] Disk quota exceeded",))),
    ("volume-full", False, {"pod": pod(phase="Running", state=running(60)),
                            "last_words": (NO_SPACE,)}),
    ("preparation-failed", True, {"pod": pod(
        init=waiting("CrashLoopBackOff") | {}, more={"status": {"initContainerStatuses": [
            {"name": "prepare", "state": waiting("CrashLoopBackOff"), "restartCount": 2,
             "image": "busybox:1", "imageID": "x", "lastState": ended(2)}]}})}),
    ("server-silent", False, {"pod": pod(phase="Running", state=running(60))}),
    ("server-silent", True, {"pod": pod(phase="Running", state=running(180), age=200)}),
    ("evicted", True, {"pod": pod(phase="Failed", more={"status": {
        "reason": "Evicted", "message": "The node was low on resource: memory."}})}),
    ("preempted", True, {"pod": pod(more={"status": {"conditions": [
        {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
         "message": "default-scheduler: preempting to accommodate a higher priority pod",
         "lastTransitionTime": ago(3)}]}})}),
    ("node-lost", True, {"pod": pod(phase="Unknown", more={"status": {"reason": "NodeLost"}})}),
    ("node-lost", True, {"pod": pod(phase="Failed", more={"status": {
        "reason": "Terminated",
        "message": "Pod was terminated in response to imminent node shutdown."}})}),
    ("node-refused", True, {"pod": pod(phase="Failed", more={"status": {
        "reason": "OutOfnvidia.com/gpu", "message": "Pod was rejected: Node didn't have enough "
        "resource: nvidia.com/gpu, requested: 1, used: 1, capacity: 1"}})}),
    ("pod-deleted", True, {"pod": pod(more={"metadata": {"deletionTimestamp": ago(-30)}})}),
]  # fmt: skip

# Code, whether it is lost, and what the API answered: status, reason, message.
QUOTA = (
    'pods "jupyter-ada" is forbidden: exceeded quota: team, requested: limits.memory=4Gi, used: '
    "limits.memory=14Gi, limited: limits.memory=16Gi"
)
REFUSALS: list[tuple[str, bool, int, str, str]] = [
    ("quota-exceeded", True, 403, "Forbidden", QUOTA),
    ("pod-security", True, 403, "Forbidden", 'pods "x" is forbidden: violates PodSecurity '
     '"restricted:latest": allowPrivilegeEscalation != false'),
    ("limit-range", True, 403, "Forbidden", 'pods "x" is forbidden: maximum memory usage per '
     "Container is 1Gi, but limit is 4Gi"),
    ("no-permission", True, 403, "Forbidden", 'pods is forbidden: User "system:serviceaccount:hub:'
     'hub" cannot create resource "pods" in API group "" in the namespace "urban"'),
    ("namespace-ending", True, 403, "Forbidden", 'pods "x" is forbidden: unable to create new '
     "content in namespace urban because it is being terminated"),
    ("namespace-new", False, 403, "Forbidden", 'pods "x" is forbidden: error looking up service '
     'account urban/default: serviceaccount "default" not found'),
    ("admission-refused", True, 403, "Forbidden", 'admission webhook "policy.example.org" denied '
     "the request: no"),
    ("admission-refused", True, 400, "BadRequest", 'admission webhook "policy.example.org" denied '
     "the request: no"),
    ("admission-refused", True, 403, "Forbidden", 'pods "x" is forbidden: no PriorityClass with '
     "name gold was found"),
    ("namespace-missing", True, 404, "NotFound", 'namespaces "urban" not found'),
    ("volume-missing", True, 404, "NotFound", 'persistentvolumeclaims "home-ada" not found'),
    ("secret-missing", True, 404, "NotFound", 'secrets "qhub" not found'),
    ("hub-not-known", True, 401, "Unauthorized", "Unauthorized"),
    ("bad-manifest", True, 422, "Invalid", 'Pod "x" is invalid: spec.containers[0].image: '
     "Required value"),
    ("bad-manifest", True, 400, "BadRequest", "Pod in version v1 cannot be handled as a Pod"),
    ("object-in-the-way", True, 409, "AlreadyExists", 'pods "jupyter-ada" already exists'),
    ("cluster-busy", False, 409, "Conflict", "Operation cannot be fulfilled on resourcequotas"),
    ("cluster-busy", False, 429, "TooManyRequests", "the server has received too many requests"),
    ("cluster-busy", False, 500, "InternalError", "etcdserver: leader changed"),
    ("cluster-unreachable", False, 503, "ServiceUnavailable", "apiserver not ready"),
    ("cluster-unreachable", False, 0, "", ""),
]  # fmt: skip


def told(given: dict[str, Any]) -> Diagnosis | None:
    claims = given.get("claims", [claim()])
    events = list(given.get("events", []))
    words = given.get("last_words", ())
    return diagnose(given["pod"], events, claims, NOW, SETTINGS, last_words=words)


@pytest.mark.parametrize(
    ("code", "final", "given"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_a_pod_that_does_not_start_is_diagnosed(code, final, given):
    found = told(given)
    assert found is not None
    assert (found.code, found.final) == (code, final), found
    check(found)


@pytest.mark.parametrize(
    ("code", "final", "status", "reason", "message"),
    REFUSALS,
    ids=[f"{n}-{c[0]}" for n, c in enumerate(REFUSALS)],
)
@pytest.mark.parametrize("whole", [False, True])
def test_an_answer_of_the_api_is_diagnosed(code, final, status, reason, message, whole):
    body = json.dumps({"kind": "Status", "message": message}) if whole else message
    found = refusal_for(status, reason, body, "making the pod jupyter-ada", NOW)
    assert (found.code, found.final) == (code, final)
    assert found.detail.startswith("making the pod jupyter-ada")
    check(found)


def check(found: Diagnosis) -> None:
    cause = CAUSES[found.code]
    assert (found.phase, found.who, found.remedy) == (cause.phase, cause.who, cause.remedy)
    assert found.message
    assert "%(" not in found.message
    assert found.since <= NOW or found.code == "pod-deleted"
    assert Diagnosis.model_validate_json(found.model_dump_json()) == found


LEFT = SimpleNamespace(
    name="", pending=None, ready=False, _spawn_future=None, last_start=begun("", "a.b", NOW),
    orm_spawner=SimpleNamespace(user_options={}),
)  # fmt: skip
"""A spawner whose hub ended while it was starting."""
VALUES = {"secret": "nowhere", "namespace": "urban", "options": "“image”", "profiles": "a.b, c.d"}
ELSEWHERE = {
    "start-timeout": given_up(None, NOW),
    "start-failed": refused("", "", NOW),
    "start-refused": refused("", "The bucket cannot be reached.", NOW),
    "cluster-unreachable": unreachable("TimeoutError", NOW),
    "start-interrupted": start_of(LEFT).diagnosis,
    "start-cancelled": diagnosed("start-cancelled", NOW, final=True),
    "pod-stuck": diagnosed("pod-stuck", NOW, final=True),
    **{code: refused(code, "Because.", NOW, VALUES)
       for code in ("no-team", "closed", "no-profile", "unknown-profile", "no-secret",
                    "several-teams", "unknown-option", "bad-option", "bad-secret",
                    "bad-gpu-resource", "unusable-node-purpose", "protected-namespace",
                    "namespace-of-another", "namespace-unlabelled", "bucket-of-another",
                    "volume-of-another")},
}  # fmt: skip
"""Causes that the hub knows of itself."""


@pytest.mark.parametrize("code", ELSEWHERE)
def test_what_the_hub_knows_itself_is_diagnosed_too(code):
    found = ELSEWHERE[code]
    assert found.code == code
    assert found.final == (code != "cluster-unreachable")
    assert found.message
    assert "%(" not in found.message


def test_every_code_is_produced_by_a_case():
    produced = {code for code, *_ in CASES} | {code for code, *_ in REFUSALS} | set(ELSEWHERE)
    assert produced == set(CAUSES)


def test_every_code_is_in_words_that_say_what_to_do():
    for code, cause in CAUSES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert cause.remedy.endswith(".")
        assert cause.told.endswith((".", ":"))
        assert cause.message.endswith(".") or code == "start-refused"
        assert cause.who in WHO
        assert not re.search(r"pod\b|kubelet|PVC", cause.message), "is for people"


HEALTHY = [
    None,
    pod(node=None, age=2),
    pod(age=3, state=waiting("ContainerCreating")),
    pod(age=3, init=ended(0, "Completed"), state=waiting("PodInitializing")),
    pod(phase="Running", state=running(5)),
]


@pytest.mark.parametrize("given", HEALTHY)
def test_a_start_that_goes_well_has_no_diagnosis(given):
    assert diagnose(given, [], [claim()], NOW, SETTINGS) is None


def test_events_of_an_earlier_pod_of_the_name_do_not_count():
    old = event("FailedMount", SECRET, uid="another", first=300)
    assert diagnose(pod(state=waiting("ContainerCreating")), [old], [], NOW, SETTINGS) is None


@pytest.mark.parametrize(
    ("failed", "later"),
    [
        ("FailedMount", "Pulling"),
        ("FailedAttachVolume", "SuccessfulAttachVolume"),
        ("FailedCreatePodSandBox", "Pulled"),
    ],
)
def test_what_came_about_after_all_is_no_cause(failed, later):
    events = [event(failed, "…", at=20), event(later, "…", at=5, warning=False)]
    assert told(creating(*events)) is None
    assert told(creating(*reversed(events))) is None, "the order is that of time"
    assert told(creating(events[0])) is not None


def test_a_claim_that_is_bound_forgets_that_it_failed():
    failed = event("ProvisioningFailed", "…", kind="PersistentVolumeClaim")
    assert told(creating(failed, claims=[claim("Bound")])) is None
    assert told(creating(failed, claims=[claim("Pending")])).code == "volume-not-made"


def test_the_queue_is_told_where_a_node_is_waited_for():
    given = unplaced(nodes("3 Insufficient nvidia.com/gpu"))["pod"]
    found = diagnose(given, [], [], NOW, SETTINGS, queue=3)
    assert found.queue == 3
    assert found.message.endswith("3 other servers wait, too.")
    assert found.values == {"resource": "nvidia.com/gpu"}
    assert "nvidia.com/gpu" in found.message
    assert diagnose(given, [], [], NOW, SETTINGS, queue=0).message.endswith("(nvidia.com/gpu).")


def in_line(age: float, *why: str, purpose: str = "") -> dict[str, Any]:
    meta = {"uid": f"{age}", "labels": {"fairihub.io/node-purpose": purpose}}
    return pod(node=None, age=age, unschedulable=nodes(*why), more={"metadata": meta})


def test_the_queue_counts_who_has_waited_longer_for_the_same():
    mine = in_line(100, "3 Insufficient nvidia.com/gpu")
    others = [
        in_line(50, "3 Insufficient nvidia.com/gpu"),
        in_line(200, "1 Insufficient cpu", "2 Insufficient nvidia.com/gpu"),
        in_line(300, "3 Insufficient memory"),
        in_line(400, "3 Insufficient nvidia.com/gpu", purpose="training"),
        pod(node=None, age=500, more={"metadata": {"uid": "not looked at yet"}}),
        pod(age=600, more={"metadata": {"uid": "placed"}}),
    ]
    assert queue_before(mine, [mine, *others]) == 1


def test_there_is_no_queue_for_what_no_node_has():
    given = hopeless("3 Insufficient nvidia.com/gpu")["pod"]
    found = diagnose(given, [], [], NOW, SETTINGS, queue=3)
    assert found.queue is None
    assert found.message.endswith("or not so many (nvidia.com/gpu).")


def test_the_last_lines_explain_a_crash():
    found = told(crash(1, words=("Traceback", "ValueError: no")))
    assert found.detail == "Traceback\nValueError: no"
    assert found.message == "Your server ended while it was starting (exit code 1)."


def test_a_scale_up_that_never_comes_is_not_waited_for_for_ever():
    coming = event("TriggeredScaleUp", "pod triggered scale-up", at=700, warning=False)
    found = told(unplaced(nodes("3 Insufficient cpu"), age=900) | {"events": [coming]})
    assert (found.code, found.final) == ("no-cpu-free", True)


def test_what_an_autoscaler_refuses_is_told_with_the_rest():
    said = "pod didn't trigger scale-up: 1 max node group size reached"
    given = unplaced(nodes("3 Insufficient cpu")) | {"events": [event("NotTriggerScaleUp", said)]}
    assert "max node group size reached" in told(given).detail


def test_time_that_is_over_makes_what_kept_a_start_final():
    found = told(unplaced(nodes("3 Insufficient cpu")))
    assert not found.final
    assert given_up(found, NOW).final
    assert given_up(found, NOW).code == "no-cpu-free"


def test_what_the_cluster_says_is_cleaned_and_bounded():
    said = f"\x1b[31mfailed\x1b[0m: token=0123456789abcdef {'x' * 20_000}"
    found = told(creating(event("FailedMount", said)))
    assert "\x1b" not in found.detail
    assert "0123456789abcdef" not in found.detail
    assert len(found.detail) <= 1000


STRANGE: list[Any] = [
    {},
    {"metadata": None, "status": None, "spec": None},
    {"status": {"containerStatuses": [None, "x", {}], "conditions": "x"}},
    {"status": {"phase": 3, "containerStatuses": [{"state": {"waiting": 1}}]}},
    {"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": "x"}}}]}},
    pod(more={"metadata": {"creationTimestamp": "yesterday"}}),
    pod(node=None, more={"status": {"conditions": [{"type": "PodScheduled"}]}}),
]


@pytest.mark.parametrize("given", STRANGE)
@pytest.mark.parametrize(
    "events", [[], [{}], [{"involvedObject": "x", "reason": 1, "series": []}], [{"metadata": {}}]]
)
def test_objects_that_lack_what_they_should_have_break_nothing(given, events):
    diagnose(given, events, [{}], NOW, SETTINGS)
    diagnose(None, events, [{}], NOW, SETTINGS)


def test_every_code_has_a_heading_cause_remedy_and_who_in_the_docs(monkeypatch):
    """The page is made of the table; a code of it never needs a heading of another."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    from fairihub_reference import StartFailures

    assert "{start-failures}" in (DOCS / "reference" / "start-failures.md").read_text()
    written = "\n".join(StartFailures.written(None))
    sections = re.split(r"^### `([\w-]+)`$", written, flags=re.M)[1:]
    headings = dict(zip(sections[::2], sections[1::2], strict=True))
    assert set(headings) == set(CAUSES)
    for section in headings.values():
        assert all(f"**{part}.**" in section for part in ("Cause", "Remedy", "Who"))
        assert "%(" not in section
