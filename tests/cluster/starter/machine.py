"""What the cluster changes on the machine, and how all of that is undone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.cluster.starter.places import (
    CACHE,
    CGROUP,
    HOST,
    LINK,
    MARK,
    PODS,
    RUN,
    STATE,
    STORE,
)

# What kubelet, kube-proxy and the pods' network set; each is put back as it was.
KERNEL_SETTINGS = (
    "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys", "net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom",
)  # fmt: skip
# Folders whose places are fixed in kubelet and containerd; removed if they were not there before.
FIXED_FOLDERS = (
    "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers",
)  # fmt: skip
BEFORE = RUN / "before.json"
CGROUPS = Path("/sys/fs/cgroup")


def prepare() -> None:
    """A way for pods and machine to reach each other, and a cgroup for all pods."""
    if Path("/sys/class/net", LINK).exists():
        raise SystemExit(f"{LINK} belongs to another test cluster, perhaps in a container")
    RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = {
        "settings": {name: Path("/proc/sys", name).read_text() for name in KERNEL_SETTINGS},
        "folders": [folder for folder in FIXED_FOLDERS if not Path(folder).exists()],
    }
    BEFORE.write_text(json.dumps(before))
    # No pod is behind this link (each has one of its own): it only bears the machine's address.
    _run("ip", "link", "add", LINK, "type", "bridge")
    _run("ip", "address", "add", f"{HOST}/32", "dev", LINK)
    _run("ip", "link", "set", LINK, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    _let_pods_through("-I")
    for root in _hierarchies():
        _make_cgroup(root)


def clean() -> None:
    """Ends and removes whatever a cluster has left, also one that was killed."""
    end_processes()
    for mount in _mounts():
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    for root in _hierarchies():
        _remove_cgroups(root)
    if BEFORE.exists():
        _let_pods_through("-D")
        _remove_links()
        _remove_tables()
        _put_back()
    shutil.rmtree(STATE, ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)


def end_processes(bury: Callable[[], None] = lambda: None) -> None:
    """Kills parts, shims and pods; `bury` reaps those of them that are the caller's children."""
    until = time.monotonic() + 20
    while left := [*_marked_processes(), *_processes_of_pods()]:
        if time.monotonic() > until:
            raise SystemExit(f"these processes of the cluster cannot be ended: {left}")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        bury()
        time.sleep(0.05)


def _marked_processes() -> Iterator[int]:
    """The parts and containerd's shims: both have the mark in their environment."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if f"{MARK}={CACHE}".encode() in variables:
                    yield int(folder.name)


def _processes_of_pods() -> Iterator[int]:
    for root in _hierarchies():
        for folder in _cgroups_of_pods(root):
            with suppress(OSError):
                listed = Path(folder, "cgroup.procs").read_text().split()
                yield from filter(_lives, map(int, listed))


def _cgroups_of_pods(root: Path) -> list[str]:
    """The deepest first; not by `rglob`, which fails where a folder goes while it looks."""
    return [folder for folder, _, _ in os.walk(root / CGROUP, topdown=False)]


def _lives(pid: int) -> bool:
    """False for a zombie, and for a process of another container, which has no number here."""
    try:
        return (
            pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def _hierarchies() -> list[Path]:
    """The roots of the machine's cgroups: many with version 1, one with version 2."""
    if (CGROUPS / "cgroup.procs").exists():
        return [CGROUPS]
    found = {folder.resolve() for folder in CGROUPS.iterdir() if folder.is_dir()}
    return sorted(folder for folder in found if (folder / "cgroup.procs").exists())


def _make_cgroup(root: Path) -> None:
    group = root / CGROUP
    group.mkdir(exist_ok=True)
    for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group of version 1
        if (group / name).exists() and (root / name).exists():
            (group / name).write_text((root / name).read_text())
    if root == CGROUPS:
        available = (root / "cgroup.controllers").read_text().split()
        for folder in (root, group):
            for controller in available:
                with suppress(OSError):
                    (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _remove_cgroups(root: Path) -> None:
    for folder in _cgroups_of_pods(root):
        with suppress(OSError):
            os.rmdir(folder)


def _mounts() -> list[str]:
    """The deepest first. A store that is a file system of its own is left at the end, too."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    places = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    ours = [p for p in places if any(Path(p).is_relative_to(top) for top in (STATE, RUN, STORE))]
    return sorted(ours, reverse=True)


def _let_pods_through(action: str) -> None:
    """Where a firewall drops what is forwarded, as Docker's does, pods are an exception."""
    if "policy drop" in _output("nft", "list", "chain", "ip", "filter", "FORWARD"):
        for way in ("--source", "--destination"):
            rule = ("FORWARD", way, PODS, "-j", "ACCEPT")
            subprocess.run(["iptables", "-w", action, *rule], check=False, capture_output=True)


def _remove_links() -> None:
    """The pods' ends go with their network namespaces; those of a killed run may lag behind."""
    shown = _output("ip", "-json", "route", "show", "root", PODS)
    routes = json.loads(shown) if shown.strip() else []
    for name in {route["dev"] for route in routes if route["dev"].startswith("veth")} | {LINK}:
        subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


def _remove_tables() -> None:
    tables = re.findall(r"^table (\w+) (kube-proxy)$", _output("nft", "list", "tables"), re.M)
    for family, name in tables:
        subprocess.run(["nft", "delete", "table", family, name], check=False, capture_output=True)


def _put_back() -> None:
    if not BEFORE.exists():
        return
    before = json.loads(BEFORE.read_text())
    for name, value in before["settings"].items():
        Path("/proc/sys", name).write_text(value)
    for folder in before["folders"]:
        shutil.rmtree(folder, ignore_errors=True)


def _output(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30).stdout


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=30)
