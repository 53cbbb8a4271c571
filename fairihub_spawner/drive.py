"""The team's bucket as a drive in JupyterLab, where it is no folder: what jupyter-fs is told.

Runs in a user's server: `configure(get_config())` in the image's `jupyter_server_config.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

BUCKET = "FAIRIHUB_BUCKET"
"""The variable that names the team's bucket. Beside `S3_USER_STORAGE_BUCKET`, which a Secret of the
team may set as well, for a bucket of its own that is no drive."""
BUCKET_FOLDER = "FAIRIHUB_BUCKET_FOLDER"
"""The variable that names the folder of the bucket; without it the bucket is a drive."""
_NEEDED = ("jupyterfs", "s3fs")
_ARGUMENT = "--ServerApp.jpserver_extensions=jupyterfs=True"


def arguments_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What the command line of a server with a drive says beside its environment.

    jupyter-fs brings no file that enables its extension, and no such file could: what the command
    line says of extensions, as it does of ours, counts in place of all files. An image without
    jupyter-fs warns of it, and does without.
    """
    return () if drive_of(environment) is None else (_ARGUMENT,)


def drive_of(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """The drive that the environment of a server asks for; None where the bucket is a folder.

    The keys are not in it: the S3 client finds them in the environment by itself.
    """
    bucket = environment.get(BUCKET)
    if not bucket or environment.get(BUCKET_FOLDER):
        return None
    # The server starts only after the first answer: a storage that is away must not keep it.
    patience = {"connect_timeout": 5, "read_timeout": 15, "retries": {"max_attempts": 1}}
    return {
        "name": bucket,
        "url": f"s3://{bucket}",
        "type": "fsspec",
        "auth": "none",
        "kwargs": {
            "endpoint_url": environment.get("AWS_ENDPOINT_URL_S3"),
            "config_kwargs": patience,
            # Else what others put into the bucket is never there for who has looked before.
            "listings_expiry_time": 10,
        },
    }


def configure(c: Any, environment: Mapping[str, str] = os.environ) -> None:
    """Adds the drive to the server's configuration, if the image has what it takes."""
    drive = drive_of(environment)
    if drive is None or any(find_spec(module) is None for module in _NEEDED):
        return
    c.ServerApp.contents_manager_class = "jupyterfs.metamanager.MetaManager"
    c.JupyterFs.resources = [drive]
