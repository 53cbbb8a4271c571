"""Containerd's store: its images are imported once and kept from one cluster to the next."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.starter.images import Image
from tests.cluster.starter.places import CACHE, CONTAINERD, STORE

IMPORTED = STORE / "imported.json"
DISK = CACHE / "store.disk"
DISK_BYTES = 30 * 2**30  # of which only what is used takes room


def open_store() -> None:
    """Makes sure that layers can be laid over each other where they are kept.

    In a container that is often impossible, since its own file system is made in that way; then
    the store is a disk of its own in a file.
    """
    STORE.mkdir(parents=True, exist_ok=True)
    if _can_overlay(STORE):
        return
    if not DISK.exists():
        part = DISK.with_suffix(".part")
        with part.open("wb") as file:
            file.truncate(DISK_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(part))
        part.rename(DISK)
    _run("mount", "-o", "loop", str(DISK), str(STORE))


def forget_store() -> None:
    """For a store that is broken; the next start imports all images again."""
    subprocess.run(["umount", "--lazy", str(STORE)], check=False, capture_output=True)
    DISK.unlink(missing_ok=True)
    shutil.rmtree(STORE, ignore_errors=True)


def bring_in(images: list[Image]) -> None:
    """Imports those that containerd does not have as they are now."""
    known = json.loads(IMPORTED.read_text()) if IMPORTED.exists() else {}
    for image in images:
        if known.get(image.name) != image.digest:
            with subprocess.Popen(_command("images", "import", "-"), stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL) as importing:  # fmt: skip
                assert importing.stdin is not None
                image.write(importing.stdin, _ctr("content", "list", "--quiet").split())
            if importing.returncode != 0:
                raise SystemExit(f"{image.name} could not be imported")
            IMPORTED.write_text(json.dumps(known := {**known, image.name: image.digest}))
            _forget_replaced()


def _forget_replaced() -> None:
    """What an image was before has no name but its digest, under which it would stay for ever."""
    rows = [line.split() for line in _ctr("images", "list").splitlines()[1:]]
    named = {digest for name, _, digest, *_ in rows if not name.startswith("sha256:")}
    replaced = [name for name, _, digest, *_ in rows if digest not in named]
    if replaced:
        _ctr("images", "remove", *replaced)


def load(archive: Path) -> None:
    _ctr("images", "import", str(archive))


def clear_containers() -> bool:
    """Removes the containers of a cluster that was before, and says whether there were any."""
    containers = _ctr("containers", "list", "--quiet").split()
    if containers:
        _ctr("containers", "delete", *containers)
    return bool(containers)


def answers() -> bool:
    return subprocess.run(_command("version"), check=False, capture_output=True).returncode == 0


def _can_overlay(folder: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=folder) as tried:
        for name in ("lower", "upper", "work", "merged"):
            Path(tried, name).mkdir()
        options = f"lowerdir={tried}/lower,upperdir={tried}/upper,workdir={tried}/work"
        done = subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", options, f"{tried}/merged"],
            check=False, capture_output=True,
        )  # fmt: skip
        if done.returncode == 0:
            _run("umount", f"{tried}/merged")
        return done.returncode == 0


def _ctr(*arguments: str) -> str:
    done = subprocess.run(
        _command(*arguments), check=False, capture_output=True, text=True, timeout=300
    )
    if done.returncode != 0:
        raise SystemExit(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _command(*arguments: str) -> list[str]:
    return ["ctr", "--address", str(CONTAINERD), "--namespace", "k8s.io", *arguments]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=120)
