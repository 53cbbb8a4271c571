"""The images that pods of tests run, made of what this machine has: no registry, no Docker."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from tests.cluster.starter import layers

PATH = "/usr/local/bin:/usr/bin:/bin"
# Ends at once when told to: an image that only waits must not make every test wait.
WAIT = ["/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"]


@dataclass(frozen=True)
class Image:
    """Layers, the lowest first, with what is run in them and as whom."""

    name: str
    layers: list[Path]
    command: list[str]
    user: str = ""
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self._config).hexdigest()

    def write(self, out: IO[bytes]) -> None:
        """As an archive in Docker's format, which containerd imports."""
        layer_names = [f"{layers.digest_of(layer)}/layer.tar" for layer in self.layers]
        manifest = [
            {"Config": f"{self.digest}.json", "RepoTags": [self.name], "Layers": layer_names}
        ]
        with tarfile.open(fileobj=out, mode="w|") as tar:
            _add(tar, f"{self.digest}.json", self._config)
            _add(tar, "manifest.json", json.dumps(manifest).encode())
            for name, path in zip(layer_names, self.layers, strict=True):
                tar.add(path, name)

    @cached_property
    def _config(self) -> bytes:
        environment = {"PATH": PATH, **self.environment}
        config: dict[str, Any] = {
            "architecture": layers.architecture(),
            "os": "linux",
            "config": {
                "Cmd": self.command,
                "Env": [f"{name}={value}" for name, value in environment.items()],
                "User": self.user,
                "WorkingDir": self.folder,
            },
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{layers.digest_of(layer)}" for layer in self.layers],
            },
        }
        return json.dumps(config).encode()


def all_images() -> list[Image]:
    """Builds what of them is missing: a minute the first time."""
    return [*small_images(), singleuser_image()]


def small_images() -> Iterable[Image]:
    busybox = [layers.busybox()]
    yield Image("localhost/pause:1", busybox, WAIT, user="65534:65534")
    yield Image("localhost/base:1", busybox, WAIT)


def singleuser_image() -> Image:
    """A user's server as the hub starts it: JupyterLab, and fairihub as this checkout has it."""
    return Image(
        "localhost/singleuser:1",
        [layers.system(), layers.environment(), layers.project()],
        ["jupyterhub-singleuser"],
        user="1000:100",
        folder="/home/jovyan",
        environment={
            "PATH": f"/opt/venv/bin:{PATH}",
            "HOME": "/home/jovyan",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
        },
    )


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
