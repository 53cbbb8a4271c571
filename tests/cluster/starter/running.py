"""Starts and ends the cluster; both are safe to repeat, and at any state of what was before."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.starter import keeper, machine, store
from tests.cluster.starter.images import Image, all_images
from tests.cluster.starter.parts import HEALTH, PARTS, write_configs
from tests.cluster.starter.pki import make_pki
from tests.cluster.starter.places import (
    FOR_RUNS,
    KUBECONFIG,
    LOCK,
    LOGS,
    NODE,
    PKI,
    STATE,
    binaries,
)

STORAGE = Path(__file__).parent / "storage.yaml"
KEPT_LOGS = STATE.with_name("logs-of-failed-start")
LOCK_SECONDS = 300
START_SECONDS = 90
WELL_SECONDS = 2


def up(*, for_runs: bool = False) -> None:
    """Returns when pods can be started; does nothing if they already can.

    What test runs have started the last one ends; what somebody has asked for stays.
    """
    if os.geteuid() != 0:
        raise SystemExit("The test cluster needs root: it makes containers and network links.")
    if not (binaries() / "kube").exists():
        raise SystemExit("The test cluster is not built yet: scripts/get-cluster does that.")
    images = all_images()
    with _alone():
        if not for_runs:
            FOR_RUNS.unlink(missing_ok=True)
        elif keeper.ask("look") is None:
            FOR_RUNS.touch()
        if what_is_wrong():
            _start_anew(images)
        store.bring_in(images)


def mend() -> None:
    """Starts a cluster anew that is not well, with the images that it has."""
    with _alone():
        if what_is_wrong():
            _start_anew([])


def down(*, after_runs: bool = False) -> None:
    """After test runs only what they have started."""
    with _alone():
        if FOR_RUNS.exists() or not after_runs:
            _end()
        if after_runs:
            FOR_RUNS.unlink(missing_ok=True)


def what_is_wrong() -> list[str]:
    """One line for each thing that is not as it should be; nothing if pods can be started."""
    told = keeper.ask("look")
    if told is None:
        return ["no cluster is running"]
    wrong = []
    for part in PARTS:
        if part not in told["running"]:
            code = told["ended"].get(part)
            wrong.append(
                f"{part} is not running" + ("" if code is None else f" (it ended: {code})")
            )
        elif not _is_well(part):
            wrong.append(f"{part} runs and is not well")
    if not wrong and not _node_ready():
        wrong.append(f"{NODE} is not ready")
    if not wrong and not _has_default_account():
        wrong.append("the default service account is missing")
    return wrong


def _start_anew(images: list[Image]) -> None:
    _end()
    try:
        _start(images)
    except BaseException:
        _keep_logs()
        _end()
        raise


def _start(images: list[Image]) -> None:
    machine.prepare()
    LOGS.mkdir(parents=True)
    store.open_store()
    make_pki()
    write_configs()
    keeper.begin()
    _wait("the keeper", lambda: keeper.ask("look") is not None)
    for part in ("containerd", "etcd", "apiserver"):
        keeper.ask("start", part=part)
    _wait("containerd", store.answers)
    if store.clear_containers():
        keeper.ask("stop", part="containerd")
        keeper.ask("start", part="containerd")
        _wait("containerd", store.answers)
    store.bring_in(images)
    _wait("apiserver", lambda: _is_well("apiserver"))
    for part in PARTS[3:]:
        keeper.ask("start", part=part)
    _wait("the storage classes", _make_storage)
    _wait("the cluster", lambda: not what_is_wrong())


def _end() -> None:
    keeper.ask("end")
    machine.clean()


def _wait(what: str, done: Callable[[], bool]) -> None:
    started = time.monotonic()
    while not done():
        waited = time.monotonic() - started
        told = keeper.ask("look")
        if waited > START_SECONDS or (told and told["ended"]):
            wrong = "; ".join(what_is_wrong())
            raise SystemExit(f"{what} was not there after {waited:.0f} s: {wrong}. See {KEPT_LOGS}")
        time.sleep(0.1)


@contextmanager
def _alone() -> Iterator[None]:
    """One start or end at a time on this machine; whoever comes second waits for the first."""
    with LOCK.open("w") as lock:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise SystemExit("another start of the test cluster does not end") from None
                time.sleep(0.1)
        yield


def _keep_logs() -> None:
    """Beside the state, which is removed: a start that failed is explained by its logs."""
    shutil.rmtree(KEPT_LOGS, ignore_errors=True)
    if LOGS.exists():
        shutil.copytree(LOGS, KEPT_LOGS)


def _is_well(part: str) -> bool:
    if part == "containerd":
        return store.answers()
    if part not in HEALTH:
        return True
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    if part != "apiserver":  # these two make certificates for themselves
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(PKI / "admin.crt", PKI / "admin.key")
    try:
        with urllib.request.urlopen(HEALTH[part], timeout=WELL_SECONDS, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _node_ready() -> bool:
    node = _kubectl("get", "node", NODE, "--output=json")
    conditions = json.loads(node)["status"]["conditions"] if node else []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _has_default_account() -> bool:
    return bool(_kubectl("get", "serviceaccount", "default", "--output=name"))


def _make_storage() -> bool:
    return bool(_kubectl("apply", f"--filename={STORAGE}"))


def _kubectl(*arguments: str) -> str:
    done = subprocess.run(
        [binaries() / "kube", "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments],
        check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else ""
