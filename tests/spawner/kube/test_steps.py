"""The steps of a start, from a pod and its events; and the account of the last start."""

from __future__ import annotations

import json
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from jupyterhub.spawner import SpawnException

from fairihub_core.start_causes import CAUSES
from fairihub_core.starts import Start, diagnosed, start_of
from fairihub_core.starts import ended as ended_steps
from fairihub_spawner.kube.image_sizes import ImageSizes
from fairihub_spawner.kube.starts import (
    MAX_DETAIL_KEPT,
    begun,
    failed,
    from_state,
    going_on,
    ran_out,
    succeeded,
    to_state,
)
from fairihub_spawner.kube.steps import progress_event, steps_of
from tests.support.kube_objects import (
    IMAGE,
    NODE,
    NOW,
    claim,
    ended,
    event,
    nodes,
    pod,
    running,
    waiting,
)

PULLING = event("Pulling", f'Pulling image "{IMAGE}"', at=20, warning=False)
PULLED = event(
    "Pulled",
    f'Successfully pulled image "{IMAGE}" in 12.5s (12.5s including waiting). '
    "Image size: 1610612736 bytes.",
    at=8,
    warning=False,
)
THERE = event(
    "Pulled", f'Container image "{IMAGE}" already present on machine', at=8, warning=False
)
INIT = event("Pulled", 'Successfully pulled image "busybox:1" in 1s', at=25, warning=False)

CASES = [
    ("nothing yet", None, [], "wait wait wait wait wait"),
    ("no node yet", pod(node=None), [], "run wait wait wait wait"),
    ("a node", pod(), [], "done run wait wait wait"),
    ("fetching", pod(state=waiting("ContainerCreating")), [PULLING], "done done run wait wait"),
    ("preparing", pod(init=running()), [INIT], "done run wait wait wait"),
    ("fetched", pod(state=waiting("ContainerCreating")), [PULLING, PULLED],
     "done done done run wait"),
    ("was there", pod(state=waiting("ContainerCreating")), [THERE], "done done done run wait"),
    ("runs", pod(phase="Running", state=running()), [PULLING, PULLED], "done done done done run"),
    ("runs, events gone", pod(phase="Running", state=running()), [], "done done done done run"),
]  # fmt: skip


def states(steps) -> str:
    short = {"waiting": "wait", "running": "run"}
    return " ".join(short.get(step.state, step.state) for step in steps)


@pytest.mark.parametrize(("name", "given", "events", "wanted"), CASES, ids=[c[0] for c in CASES])
def test_the_steps_follow_each_other(name, given, events, wanted):
    assert states(steps_of(given, events, [claim()], NOW)) == wanted


def test_a_server_that_answers_has_done_all_steps():
    given = pod(phase="Running", state=running())
    assert states(steps_of(given, [], [], NOW, ready=True)) == "done done done done done"


def test_the_node_is_named_and_the_image_with_its_size_and_time():
    steps = steps_of(
        pod(age=30, state=waiting("ContainerCreating")), [PULLING, PULLED], [claim()], NOW
    )
    assert steps[0].message == f"Node {NODE}"
    assert steps[0].seconds == 1
    assert steps[2].message == "1.5 GiB fetched"
    assert steps[2].seconds == 12


@pytest.mark.parametrize(
    ("sizes", "said"),
    [({}, f"Fetching {IMAGE}"), ({IMAGE: 1610612736}, f"Fetching {IMAGE} (1.5 GiB)")],
)
def test_the_size_of_an_image_that_is_known_from_before_is_told(sizes, said):
    step = steps_of(pod(state=waiting("x")), [PULLING], [], NOW, sizes=sizes)[2]
    assert (step.message, step.seconds) == (said, 20)


def test_the_size_of_an_image_is_remembered():
    sizes = ImageSizes()
    sizes.remember({}, [PULLED])
    sizes.remember(pod(), [THERE, INIT])
    assert sizes.known == {}
    sizes.remember(pod(), [PULLED])
    assert sizes.known == {IMAGE: 1610612736}


def test_the_image_that_was_fetched_longest_ago_is_forgotten():
    sizes = ImageSizes(most=2)
    for image in ("a", "b", "a", "c"):
        message = f'Successfully pulled image "{image}". Image size: 7 bytes.'
        sizes.remember(pod(image=image), [event("Pulled", message, warning=False)])
    assert list(sizes.known) == ["a", "c"]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("no-cpu-free", "failed wait wait wait wait"),
        ("quota-exceeded", "failed wait wait wait wait"),
        ("secret-missing", "done failed wait wait wait"),
        ("image-missing", "done done failed wait wait"),
        ("server-crashed", "done done done failed wait"),
        ("server-silent", "done done done done failed"),
        ("no-team", "run wait wait wait wait"),
    ],
)
def test_the_step_in_which_a_start_fails_is_marked(code, wanted):
    found = diagnosed(code, NOW, final=True, values=dict.fromkeys(("image", "exit"), "x"))
    given = pod(node=None)
    assert states(steps_of(given, [], [], NOW, diagnosis=found)) == wanted
    passing = found.model_copy(update={"final": False})
    assert states(steps_of(given, [], [], NOW, diagnosis=passing)) == "run wait wait wait wait"


def test_progress_tells_the_hub_a_number_and_a_sentence_and_the_page_all_of_it():
    steps = steps_of(pod(state=waiting("ContainerCreating")), [PULLING], [claim()], NOW)
    told = progress_event(steps)
    assert (told["progress"], told["message"]) == (25, f"Fetching {IMAGE}")
    assert [step["name"] for step in told["steps"]] == [
        "scheduling", "volume", "image", "container", "server",
    ]  # fmt: skip
    assert "diagnosis" not in told
    json.dumps(told)


MOUNTED = pod(
    more={
        "status": {
            "conditions": [
                {
                    "type": "PodReadyToStartContainers",
                    "status": "True",
                    "lastTransitionTime": "2026-05-01T00:00:00Z",
                }
            ]
        }
    }
)


@pytest.mark.parametrize(
    ("steps", "note", "message"),
    [
        ((), "start-checked", "Checking what the server needs"),
        (steps_of(None, [], [], NOW), "start-checked", "Checking what the server needs"),
        (steps_of(pod(node=None), [], [], NOW), "node-sought", "Looking for a node"),
        (steps_of(MOUNTED, [], [], NOW), "image-sought", "Looking for the image"),
        (steps_of(pod(phase="Running", state=running()), [], [], NOW, ready=True), "", ""),
    ],
    ids=["before any step", "before a pod", "no node", "volumes in place", "answers"],
)
def test_progress_says_where_a_start_is_and_never_something_else(steps, note, message):
    told = progress_event(steps)
    assert (told["note"], told["message"]) == (note, message)


def test_progress_says_what_keeps_a_start():
    found = diagnosed("no-cpu-free", NOW, final=False, detail=nodes("3 Insufficient cpu"), queue=1)
    told = progress_event(steps_of(pod(node=None), [], [], NOW, diagnosis=found), found)
    assert told["message"].endswith("One other server waits, too.")
    assert told["diagnosis"]["code"] == "no-cpu-free"
    assert "detail" not in told["diagnosis"], "which whoever may follow it may not read for that"
    assert 0 < told["progress"] < 100
    json.dumps(told)


def test_progress_never_goes_back_while_a_start_goes_on():
    seen = [
        progress_event(steps_of(p, e, [], NOW))["progress"]
        for _, p, e, _ in (*CASES[:4], *CASES[5:])
    ]
    assert seen == sorted(seen)
    assert progress_event(steps_of(None, [], [], NOW, ready=True))["progress"] < 100


STARTED = begun("", "urban.small", NOW)
LOST = diagnosed("image-missing", NOW, final=False, detail="x" * 9000, values={"image": "x:1"})
STEPS = steps_of(pod(last=ended(1)), [PULLING], [], NOW)


def test_the_last_start_survives_in_the_state_of_its_spawner():
    start = failed(going_on(STARTED, STEPS, None), LOST, NOW)
    kept = from_state(json.loads(json.dumps(to_state(start))))
    assert kept is not None
    assert kept.state == "failed"
    assert kept.diagnosis is not None
    assert kept.diagnosis.final
    assert len(kept.diagnosis.detail) == MAX_DETAIL_KEPT
    assert kept.diagnosis.values == {"image": "x:1"}
    assert kept.steps == ended_steps(STEPS)
    assert (kept.profile, kept.began) == ("urban.small", NOW)


@pytest.mark.parametrize("state", [{}, {"last_start": None}, {"last_start": {"state": "x"}}])
def test_a_state_that_holds_no_start_is_read_as_none(state):
    assert from_state(state) is None


def test_no_start_leaves_no_trace_in_the_state():
    assert to_state(None) == {}


def test_a_start_that_succeeds_forgets_what_kept_it():
    start = succeeded(going_on(STARTED, STEPS, LOST), STEPS, NOW)
    assert (start.state, start.diagnosis, start.ended) == ("ready", None, NOW)


@pytest.mark.parametrize(("seconds", "out"), [(0, False), (58, False), (59.2, True), (61, True)])
def test_a_start_that_ends_ran_out_of_time_or_was_cancelled(seconds, out):
    assert ran_out(seconds, 60) is out


def spawner(
    start: Start | None,
    *,
    pending: str | None = None,
    future: Future | None = None,
    server: str | None = None,
):
    told = SimpleNamespace(user_options={"profile": "urban.small"}, started=None)
    return SimpleNamespace(
        name="", pending=pending, ready=False, orm_spawner=told, last_start=start,
        _spawn_future=future, server=server,
    )  # fmt: skip


def future(error: Exception | None) -> Future:
    made: Future = Future()
    if error is None:
        made.cancel()
    else:
        made.set_exception(error)
    return made


def test_a_start_that_nobody_goes_on_with_was_interrupted():
    assert start_of(spawner(STARTED, pending="spawn")) == STARTED
    assert start_of(spawner(STARTED, pending="check")) == STARTED
    left = start_of(spawner(STARTED))
    assert left is not None
    assert (left.state, left.diagnosis.code) == ("failed", "start-interrupted")
    over = failed(STARTED, LOST, NOW)
    assert start_of(spawner(over)) == over


@pytest.mark.parametrize("before", [failed(STARTED, LOST, NOW), succeeded(STARTED, STEPS, NOW)])
def test_a_start_that_begins_is_not_the_one_before(before):
    next_one = start_of(spawner(before, pending="spawn"))
    assert next_one is not None
    assert (next_one.state, next_one.diagnosis, next_one.steps) == ("starting", None, ())
    for pending in (None, "stop", "check"):
        assert start_of(spawner(before, pending=pending)) == before
    assert start_of(spawner(before, pending="spawn", server="of an earlier hub")) == before


def test_a_start_that_was_cancelled_is_no_failure():
    assert start_of(spawner(failed(STARTED, LOST, NOW), future=future(None))) is None


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (SpawnException("No.", reason="bucket-away", status_code=503), "bucket-away", "No."),
        (SpawnException("Closed.", reason="closed"), "closed", None),
        (RuntimeError("/secret/path"), "start-failed", None),
    ],
)
def test_of_a_spawner_without_an_account_the_hubs_own_is_told(error, code, message):
    error.jupyterhub_message = str(getattr(error, "log_message", "") or "")
    found = start_of(spawner(None, future=future(error)))
    assert found is not None
    assert (found.state, found.profile) == ("failed", "urban.small")
    assert (found.diagnosis.code, found.diagnosis.final) == (code, True)
    assert found.diagnosis.message == (message or CAUSES[code].message)
    assert "/secret" not in found.model_dump_json()


def test_what_never_started_has_no_account():
    assert start_of(spawner(None)) is None
