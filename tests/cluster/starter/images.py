"""The images that pods of tests run, made of what this machine has: no registry, no Docker."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.cluster.starter import layers

OCI = "application/vnd.oci.image"
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
        return digest_of(self._manifest)

    def write(self, out: IO[bytes], known: Collection[str]) -> None:
        """As an archive in OCI's layout, without the layers that containerd has (by digest)."""
        blobs = {digest_of(blob): blob for blob in (self._config, self._manifest)}
        with tarfile.open(fileobj=out, mode="w|") as tar:
            _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _add(tar, "index.json", _json({"schemaVersion": 2, "manifests": [self._entry]}))
            for digest, blob in blobs.items():
                _add(tar, f"blobs/sha256/{digest}", blob)
            for layer in self.layers:
                if f"sha256:{layers.digest_of(layer)}" not in known:
                    tar.add(layer, f"blobs/sha256/{layers.digest_of(layer)}")

    @property
    def _entry(self) -> dict[str, Any]:
        return {
            **_descriptor("manifest.v1+json", self._manifest),
            "annotations": {"io.containerd.image.name": self.name},
        }

    @property
    def _manifest(self) -> bytes:
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": _descriptor("config.v1+json", self._config),
                "layers": [
                    {
                        "mediaType": f"{OCI}.layer.v1.tar",
                        "digest": f"sha256:{layers.digest_of(layer)}",
                        "size": layer.stat().st_size,
                    }
                    for layer in self.layers
                ],
            }
        )

    @property
    def _config(self) -> bytes:
        environment = {"PATH": PATH, **self.environment}
        return _json(
            {
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
        )


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


def digest_of(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    digest = f"sha256:{digest_of(blob)}"
    return {"mediaType": f"{OCI}.{kind}", "digest": digest, "size": len(blob)}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
