"""The layers of the images, each made once for what it is made of and kept as a file."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tests.cluster.starter.debian import files_of, with_what_they_need
from tests.cluster.starter.places import IMAGES, PROJECT

FORMAT = b"1"  # to be raised when these functions make something else of the same parts
KEPT_SECONDS = 24 * 3600
PACKAGES = [
    "bash", "coreutils", "dash", "findutils", "grep", "libc-bin", "libstdc++6", "procps",
    "python3", "sed",
]  # fmt: skip
APPLETS = "cat chmod df echo env false hostname id ls mkdir nc nslookup rm sh sleep true wget"
FOLDERS = ("dev", "etc", "home", "home/jovyan", "opt", "proc", "root", "run", "srv", "sys", "tmp",
           "usr", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "var", "var/tmp")  # fmt: skip
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\njovyan:x:1000:100::/home/jovyan:/bin/bash\n",
    "etc/group": "root:x:0:\nusers:x:100:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    # What an image for servers has to say.
    "etc/jupyter/jupyter_server_config.py": (
        PROJECT / "docs/how-to/kubernetes/jupyter_server_config.py"
    ).read_text(),
}
SYSTEM_PYTHON = "/usr/bin/python3"
LOCK = PROJECT / "requirements" / "singleuser.lock"
ROOMS = ("fairihub", "fairihub_auth", "fairihub_core", "fairihub_portal", "fairihub_spawner",
         "catalog_extension", "headless", "examples", "labextension/dist")  # fmt: skip


def busybox() -> Path:
    """A shell and a few tools in one megabyte, for pods that need no more."""
    program = Path("/bin/busybox").read_bytes()

    def fill(tar: tarfile.TarFile) -> None:
        _skeleton(tar)
        _file(tar, "usr/bin/busybox", program, 0o755)
        for name in APPLETS.split():
            _link(tar, f"usr/bin/{name}", "busybox")

    return _layer("busybox", [program, APPLETS.encode(), _bare()], fill)


def system() -> Path:
    """Python and a shell, as this machine's Debian has installed them."""
    packages = with_what_they_need(PACKAGES)

    def fill(tar: tarfile.TarFile) -> None:
        _skeleton(tar)
        done = {f"/{name}" for name in FOLDERS}
        for path in (path for package in packages for path in files_of(package)):
            # Debian lists some files below /lib that are in /usr/lib, to which /lib leads.
            place = str(path.parent.resolve() / path.name)
            if place not in done and place.removeprefix("/") not in LINKS:
                done.add(place)
                tar.add(place, place, recursive=False, filter=_of_root)
        if "/usr/bin/sh" not in done:
            _link(tar, "usr/bin/sh", "dash")

    named = [f"{p.name}={p.version}".encode() for p in packages]
    return _layer("system", [*named, _bare()], fill)


def environment() -> Path:
    """What a user's server runs, in the versions that are locked."""

    def fill(tar: tarfile.TarFile) -> None:
        with tempfile.TemporaryDirectory(dir=IMAGES) as folder:
            venv = f"{folder}/opt/venv"
            _run("uv", "venv", "--quiet", "--relocatable", "--python", SYSTEM_PYTHON, venv)
            _run("uv", "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes",
                 "--python", f"{venv}/bin/python", "--requirements", str(LOCK))  # fmt: skip
            tar.add(venv, "opt/venv", filter=_of_root)

    return _layer("environment", [_python_version(), LOCK.read_bytes()], fill)


def project() -> Path:
    """fairihub itself; a change of its sources makes only this layer anew."""
    sources = sorted(p for room in ROOMS for p in (PROJECT / room).rglob("*") if _counts(p))
    contents = [str(p.relative_to(PROJECT)).encode() + b"\0" + p.read_bytes() for p in sources]

    def fill(tar: tarfile.TarFile) -> None:
        with tempfile.TemporaryDirectory(dir=IMAGES) as folder:
            _run("uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", folder,
                 "--python", str(PROJECT / ".venv" / "bin" / "python"), str(PROJECT))  # fmt: skip
            venv = Path(folder, "opt", "venv")
            _unpack(next(Path(folder).glob("*.whl")), venv)
            # What cannot be compiled is for whoever imports it to complain about.
            command = [SYSTEM_PYTHON, "-m", "compileall", "-qq", str(venv)]
            subprocess.run(command, check=False, timeout=120)
            tar.add(venv, "opt/venv", filter=_of_root)

    return _layer("project", [_python_version(), (PROJECT / "pyproject.toml").read_bytes(),
                              *contents], fill)  # fmt: skip


def digest_of(layer: Path) -> str:
    return layer.with_suffix(".sha256").read_text()


@cache
def architecture() -> str:
    """In the words of images."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _layer(name: str, made_of: Iterable[bytes], fill: Callable[[tarfile.TarFile], None]) -> Path:
    """The file of the layer; made under another name first, so that half of one is never used."""
    key = hashlib.sha256(FORMAT + architecture().encode())
    for content in made_of:
        key.update(hashlib.sha256(content).digest())
    path = IMAGES / f"{name}-{key.hexdigest()[:16]}.tar"
    if not path.with_suffix(".sha256").exists():
        IMAGES.mkdir(parents=True, exist_ok=True)
        part = IMAGES / f"{name}-{os.getpid()}.part"
        with tarfile.open(part, "w") as tar:
            fill(tar)
        part.rename(path)
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(2**20):
                digest.update(block)
        path.with_suffix(".sha256").write_text(digest.hexdigest())
        _forget_old(name, path)
    return path


def _forget_old(name: str, current: Path) -> None:
    for path in IMAGES.glob(f"{name}-*.tar"):
        if path != current and path.stat().st_mtime < time.time() - KEPT_SECONDS:
            path.with_suffix(".sha256").unlink(missing_ok=True)
            path.unlink()


def _bare() -> bytes:
    """What the skeleton is made of."""
    return repr((FOLDERS, LINKS, TEXTS)).encode()


def _skeleton(tar: tarfile.TarFile) -> None:
    for name in FOLDERS:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.DIRTYPE
        entry.mode = 0o1777 if name.endswith("tmp") else 0o755
        if name == "home/jovyan":
            entry.uid, entry.gid = 1000, 100
        tar.addfile(entry)
    for name, target in LINKS.items():
        _link(tar, name, target)
    for name, text in TEXTS.items():
        _file(tar, name, text.encode(), 0o644)


def _file(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _unpack(wheel: Path, venv: Path) -> None:
    """As installers do, but for scripts, which a server in a pod does not use."""
    packages = venv / "lib" / f"python{_python_version().decode()}" / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            _, data, rest = name.partition(".data/data/")
            target = venv / rest if data else packages / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


@cache
def _python_version() -> bytes:
    command = [SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(command, check=True, capture_output=True, timeout=30).stdout.strip()


def _run(*command: str) -> None:
    path = f"{PROJECT / '.venv' / 'bin'}:{os.environ['PATH']}"
    program, *arguments = command
    done = subprocess.run(
        [shutil.which(program, path=path) or program, *arguments],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}")
