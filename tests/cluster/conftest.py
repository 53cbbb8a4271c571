"""A Kubernetes for all tests of this folder, a namespace for each, and what is told of failures.

`FAIRIHUB_TEST_CLUSTER` in the environment says which cluster: nothing for one that is started for
the tests and ended after them, if none runs yet; `keep` for the same, left running for the next
time; `existing` for that of the current kubeconfig, without the tests that are marked `fault`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.cluster.starter.places import HOST, KUBECONFIG, PROJECT, binaries
from tests.support.kubernetes import Cluster, Namespace
from tests.support.what_happened import what_happened

WHICH = os.environ.get("FAIRIHUB_TEST_CLUSTER", "")
TOUCHED = pytest.StashKey[list[Namespace]]()
TOLD = pytest.StashKey[list[Namespace]]()  # of the module's, what is told if this test fails
# Test runs share the cluster. Each is a user of it until it ends, and the last one ends what they
# have started; a test has a turn, which it shares with others or, where it breaks something, has
# alone.
USERS = Path("/run/fairihub-cluster.users")
GATE = Path("/run/fairihub-cluster.gate")
TURN = Path("/run/fairihub-cluster.turn")
_turns: list[int] = []  # that this run has at the moment


@pytest.fixture(scope="session")
def users() -> Iterator[IO[str] | None]:
    """A lock that says to other test runs that this one uses the cluster, too."""
    if WHICH == "existing":
        yield None
        return
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("a cluster needs Linux and root; or set FAIRIHUB_TEST_CLUSTER=existing")
    if not (binaries() / "kube").exists():
        pytest.skip("Kubernetes is not built: scripts/get-cluster does that")
    with USERS.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


@pytest.fixture(scope="session")
def cluster(users: IO[str] | None) -> Iterator[Cluster]:
    """A cluster whose node, names, volumes and accounts are ready."""
    if users is None:
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            pytest.skip("FAIRIHUB_TEST_CLUSTER=existing needs kubectl")
        found = Cluster([kubectl], None, os.environ.get("FAIRIHUB_TEST_HOST"))
        found.kubectl("get", "--raw=/readyz")
        yield found
        return
    with _turn(fcntl.LOCK_SH):
        _starter("up" if WHICH == "keep" else "up-for-runs")
    yield Cluster([str(binaries() / "kube"), "kubectl"], KUBECONFIG, HOST)
    if _was_the_last(users):
        _starter("down-after-runs")


@pytest.fixture
def new_namespace(
    cluster: Cluster, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Namespace]]:
    """Makes namespaces (optional: name, labels) that end with the test."""
    yield from _namespaces(cluster, request.node)


@pytest.fixture(scope="module")
def new_shared_namespace(
    cluster: Cluster, users: IO[str] | None, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Namespace]]:
    """Makes namespaces for all tests of a module, which has one long turn of the cluster."""
    if users is None:
        yield from _namespaces(cluster, request.node)
        return
    with _turn(fcntl.LOCK_SH):
        yield from _namespaces(cluster, request.node)


def _namespaces(cluster: Cluster, whose: pytest.Item) -> Iterator[Callable[..., Namespace]]:
    touched = whose.stash.setdefault(TOUCHED, [])

    def make(name: str | None = None, labels: dict[str, str] | None = None) -> Namespace:
        touched.append(namespace := cluster.new_namespace(name, labels))
        return namespace

    yield make
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Namespace.end, touched))


@pytest.fixture
def tells_of(request: pytest.FixtureRequest) -> Callable[[Namespace], None]:
    """`tells_of(namespace)`: what happened in it is told if the test fails."""
    told: list[Namespace] = request.node.stash.setdefault(TOLD, [])
    return told.append


@pytest.fixture
def namespace(new_namespace: Callable[..., Namespace]) -> Namespace:
    """A namespace of the test's own, where pods have to be `restricted`."""
    return new_namespace()


@pytest.fixture
def part_control(cluster: Cluster) -> Callable[[str, str], None]:
    """`part_control("stop", "apiserver")`, and "start": only in tests that are marked `fault`."""
    return lambda action, part: _starter(action, part)


@pytest.fixture(autouse=True)
def _taking_turns(request: pytest.FixtureRequest, users: IO[str] | None) -> Iterator[None]:
    """Gives a test with the mark `fault` the cluster alone, and mends the cluster after it.

    Such a test begins with a cluster that is well, and so does any that is tried once more.
    """
    breaks_something = request.node.get_closest_marker("fault") is not None
    if users is None:
        if breaks_something:
            pytest.skip("faults are only tried on a cluster of the tests' own")
        yield
    elif breaks_something:
        with _turn(fcntl.LOCK_EX):
            _starter("mend")  # a run that was killed may have left it broken
            yield
            _starter("mend")
    else:
        with _turn(fcntl.LOCK_SH):
            if getattr(request.node, "execution_count", 1) > 1:  # of pytest-rerunfailures
                _starter("mend")
            yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails tells what was going on in its namespaces."""
    report = yield
    if report.failed:
        for namespace in [*item.stash.get(TOUCHED, []), *item.stash.get(TOLD, [])]:
            report.sections += list(what_happened(namespace))
    return report


def _starter(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.starter", *arguments],
        cwd=PROJECT, check=False, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.fail(f"cluster {' '.join(arguments)}: {done.stdout}{done.stderr}", pytrace=False)


@contextmanager
def _turn(how: int) -> Iterator[None]:
    """Whoever waits to be alone keeps the gate shut, or others would come in again and again.

    A turn within a turn is the same one: at the gate it would wait for somebody who waits for it.
    """
    if _turns:
        assert how == fcntl.LOCK_SH, "nobody is alone within a turn that is shared"
        yield
        return
    with GATE.open("w") as gate, TURN.open("w") as turn:
        fcntl.flock(gate, how)
        fcntl.flock(turn, how)
        if how == fcntl.LOCK_SH:
            fcntl.flock(gate, fcntl.LOCK_UN)
        _turns.append(how)
        try:
            yield
        finally:
            _turns.remove(how)


def _was_the_last(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
