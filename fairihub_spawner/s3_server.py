"""Runs rclone's S3 server, anew whenever the keys file says something else.

rclone keeps what it once learnt of a key for as long as the key is used: a team that lost a
bucket would keep it. Run by path, with the standard library alone: `s3.command` says how.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

LOOK_EVERY = 1.0
GRACE = 5.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
AUTH = Path(__file__).with_name("s3_auth.py")
LAUNCHER = "auth-proxy.sh"
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")
"""All that the server needs of our environment; a hub's own tokens are not among it."""


def main(rclone: str, address: str, keys: str) -> int:
    """Serves until we are told to end, our parent is gone, or rclone ends by itself."""
    keys_file = Path(keys)
    parent = os.getppid()
    _write_launcher(keys_file.parent)
    while True:
        for number in SIGNALS:
            signal.signal(number, lambda *_: sys.exit(0))
        told = _content_of(keys_file)
        server = _started(rclone, address, keys_file)
        try:
            while server.poll() is None and _content_of(keys_file) == told:
                if os.getppid() != parent:
                    return 0
                time.sleep(LOOK_EVERY)
        finally:
            _end(server)
        if _content_of(keys_file) == told:
            return server.returncode or 1


def _write_launcher(folder: Path) -> None:
    """A name without spaces for a command with any: rclone cuts the command at every space."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = shlex.join([sys.executable, "-I", str(AUTH)])
    (folder / LAUNCHER).write_text(f"exec {command}\n")


def _content_of(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _started(rclone: str, address: str, keys_file: Path) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.Popen(
        [
            rclone,
            *("serve", "s3", "--config", "", "--addr", address),
            *("--auth-proxy", f"/bin/sh {LAUNCHER}"),
            # Files that a person or a kernel wrote through ~/s3 are listed after so long.
            *("--dir-cache-time", "1s", "--log-level", "NOTICE"),
        ],
        cwd=keys_file.parent,
        env={**environment, "FAIRIHUB_S3_KEYS": str(keys_file)},
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )


def _die_with_parent() -> None:
    """For a parent that is killed outright and cannot end us (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _end(server: subprocess.Popen[bytes]) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(GRACE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
