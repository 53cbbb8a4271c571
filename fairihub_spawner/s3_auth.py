"""Tells rclone's S3 server whose a key is: its secret and the buckets that it opens.

Started by rclone for every key that it sees for the first time, by path and with the standard
library alone: what we import here, a team waits for. Reads `{"user": KEY}` and answers with the
settings of a backend that holds the team's buckets and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

KEYS_FILE = "FAIRIHUB_S3_KEYS"
"""The environment variable that names the keys file."""


def backend_of(access_key: str, teams: Mapping[str, Any]) -> dict[str, str] | None:
    """The backend of the team with that key, or None."""
    for team in teams.values():
        if team["key"] == access_key and team["buckets"]:
            return {
                "type": "combine",
                "_root": "",
                "_secret_access_key": team["secret"],
                "upstreams": " ".join(
                    _quoted(f"{name}={folder}") for name, folder in sorted(team["buckets"].items())
                ),
            }
    return None


def _quoted(text: str) -> str:
    """As one word of a list: rclone reads such lists as CSV with spaces for commas."""
    return '"' + text.replace('"', '""') + '"'


def main() -> int:
    """The program; 1 for a key that opens nothing."""
    with open(os.environ[KEYS_FILE], encoding="utf-8") as opened:
        teams = json.load(opened)
    backend = backend_of(json.load(sys.stdin).get("user"), teams)
    if backend is None:
        return 1
    json.dump(backend, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
