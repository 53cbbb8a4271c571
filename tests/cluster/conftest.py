"""A Kubernetes for all tests of this folder, a namespace for each, and what is told of failures.

`FAIRIHUB_TEST_CLUSTER` in the environment says which cluster: nothing for one that is started for
the tests and ended after them; `keep` for the same, left running for the next time; `existing` for
that of the current kubeconfig, without the tests that are marked `fault`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.cluster.starter.places import HOST, KUBECONFIG, PROJECT, binaries
from tests.support.kubernetes import Cluster, Namespace
from tests.support.waiting import eventually
from tests.support.what_happened import what_happened

WHICH = os.environ.get("FAIRIHUB_TEST_CLUSTER", "")
TOUCHED = pytest.StashKey[list[Namespace]]()
USERS = Path("/run/fairihub-cluster.users")
OTHERS_SECONDS = 150


@pytest.fixture(scope="session")
def users() -> Iterator[IO[str] | None]:
    """A lock that test runs share while they use the cluster; who breaks it has it alone."""
    if WHICH == "existing":
        yield None
        return
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("a cluster needs Linux and root; or set FAIRIHUB_TEST_CLUSTER=existing")
    if not (binaries() / "kube").exists():
        pytest.skip("Kubernetes is not built: scripts/get-cluster does that")
    with USERS.open("w") as lock:
        _lock(lock, fcntl.LOCK_SH)
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
    _starter("up")
    yield Cluster([str(binaries() / "kube"), "kubectl"], KUBECONFIG, HOST)
    if WHICH != "keep" and _is_free(users):
        _starter("down")


@pytest.fixture
def new_namespace(
    cluster: Cluster, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Namespace]]:
    """Makes namespaces (optional: name, labels) that end with the test."""
    touched = request.node.stash.setdefault(TOUCHED, [])

    def make(name: str | None = None, labels: dict[str, str] | None = None) -> Namespace:
        touched.append(namespace := cluster.new_namespace(name, labels))
        return namespace

    yield make
    for namespace in touched:
        namespace.end()


@pytest.fixture
def namespace(new_namespace: Callable[..., Namespace]) -> Namespace:
    """A namespace of the test's own, where pods have to be `restricted`."""
    return new_namespace()


@pytest.fixture
def part_control(cluster: Cluster) -> Callable[[str, str], None]:
    """`part_control("stop", "apiserver")`, and "start": only in tests that are marked `fault`."""
    return lambda action, part: _starter(action, part)


@pytest.fixture(autouse=True)
def _alone_if_it_breaks_something(
    request: pytest.FixtureRequest, users: IO[str] | None
) -> Iterator[None]:
    """Gives a test with the mark `fault` the cluster alone, and mends the cluster after it."""
    if request.node.get_closest_marker("fault") is None:
        yield
        return
    if users is None:
        pytest.skip("faults are only tried on a cluster of the tests' own")
    with _having_it_alone(users):
        yield
        _starter("mend")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails tells what was going on in its namespaces."""
    report = yield
    if report.failed:
        for namespace in item.stash.get(TOUCHED, []):
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
def _having_it_alone(lock: IO[str]) -> Iterator[None]:
    _lock(lock, fcntl.LOCK_EX)
    yield
    _lock(lock, fcntl.LOCK_SH)


def _lock(lock: IO[str], how: int) -> None:
    got = eventually(lambda: _try(lock, how), OTHERS_SECONDS)
    assert got, "another test run has the cluster and does not end"


def _is_free(lock: IO[str]) -> bool:
    return _try(lock, fcntl.LOCK_EX)


def _try(lock: IO[str], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
