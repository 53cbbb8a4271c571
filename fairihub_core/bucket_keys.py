"""The keys file of the S3 server: with which key a team reaches which buckets.

`{team: {"key", "secret", "owns": [name], "buckets": {name: folder}}}`, 0600, replaced as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairihub_core.equipment import BucketAccess

Keys = dict[str, dict[str, Any]]
BucketOf = Callable[[str, str], "BucketAccess | None"]
"""The access of a team to one of its buckets; None for a bucket that is not the team's."""


def read_keys(file: Path) -> Keys:
    """What the keys file says; nothing if there is none yet."""
    try:
        keys: Keys = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    return keys


def bucket_access(file: Path, endpoint: str) -> BucketOf:
    """A function that says how a team reaches a bucket, by the keys file of that moment."""

    def access(team: str, bucket: str) -> BucketAccess | None:
        own = read_keys(file).get(team)
        if own is None or bucket not in own["buckets"]:
            return None
        return BucketAccess(endpoint, own["key"], own["secret"])

    return access
