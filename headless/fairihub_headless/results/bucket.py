"""What runs left, in their team's bucket: put there as a whole, handed out by signed addresses.

The disk stays the truth. A run's files are in the bucket from the moment on when all of them are,
as its manifest then says; whatever goes wrong with S3, the disk hands out.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fairihub_core.bucket_keys import bucket_access
from fairihub_core.clock import now
from fairihub_core.equipment import BucketAccess
from fairihub_core.errors import FairihubError
from fairihub_core.files import write_whole
from fairihub_core.teams import TeamDirectory
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Run
from fairihub_headless.results.left import LeftFile, file_of, files_of, type_of
from fairihub_headless.settings import S3Settings

log = logging.getLogger("fairihub.headless")

PREFIX = "fairihub-runs"
MANIFEST = "bucket.json"
BEGUN = "bucket-begun.json"
"""The same, of what is being put there: some of it may be there when all is not."""
EXPIRES = 300
"""Seconds that a signed address is good for."""
_NOT_ASKED = 30.0
_MAX_MANIFEST = 8 * 2**20
_GIVEN_UP = timedelta(days=7)
"""So long after its end is tried to remove what a run has in a bucket that cannot be reached."""
_INERT = re.compile(
    r"image/(png|jpeg|gif|webp|tiff)|text/(plain|csv)|audio/.+|video/.+|application/"
    r"(octet-stream|json|geo\+json|x-ipynb\+json|zip|gzip|x-tar|x-netcdf|x-hdf5?|vnd\.apache\.parquet)"
)
"""What no browser takes for a page: an S3 server sends no policy that would tie a page's hands."""


@dataclass(frozen=True)
class Buckets:
    """The buckets of the teams, each reached with its team's own key.

    Args:
        directory: the teams of this moment.
        public: where people reach the buckets, if not where we do.
    """

    s3: S3Settings
    directory: Callable[[], TeamDirectory]
    public: str | None = None
    away: dict[str, float] = field(default_factory=dict)
    """The teams whose bucket did not answer, and until when it is not asked again."""

    def put(self, run: Run, folder: RunFolder) -> bool:
        """Puts all that a run left into its team's bucket; True if it is there. Blocks.

        Raises:
            Exception: of the S3 server or the way to it; then nothing is handed out from there.
        """
        name = self._bucket_of(run)
        access = name and self._access(run.team, name)
        if not name or not access:
            return False
        client = _client(access, self.s3.endpoint)
        files = files_of(folder, run.executed_name)
        manifest = _manifest(name, files)
        if len(manifest) > _MAX_MANIFEST:
            log.warning("run %s left %d files: they stay on the disk", run.id, len(files))
            return False
        write_whole(folder.path / BEGUN, manifest)
        for file in files:
            with file_of(folder, file.name) as content:
                client.upload_fileobj(
                    content, name, _key(run.id, file.name),
                    ExtraArgs={"ContentType": file.type, "ContentDisposition": "attachment"},
                )  # fmt: skip
        write_whole(folder.path / MANIFEST, manifest)
        return True

    def address_of(self, run: Run, folder: RunFolder, name: str) -> str | None:
        """Where that file can be had for a few minutes; None if the disk hands it out. Blocks."""
        told = manifest_of(folder)
        if name not in told.files or not _INERT.fullmatch(type_of(name)):
            return None
        if time.monotonic() < self.away.get(run.team, 0.0):
            return None
        access = self._access(run.team, told.bucket)
        if access is None:
            return None
        try:
            where = {"Bucket": told.bucket, "Key": _key(run.id, name)}
            found = _client(access, self.s3.endpoint).head_object(**where)
            if found["ContentLength"] != told.files[name]:
                return None
            signing = _client(access, self.public or self.s3.endpoint)
            asked = {**where, "ResponseContentDisposition": "attachment"}
            return str(signing.generate_presigned_url("get_object", asked, ExpiresIn=EXPIRES))
        except Exception as problem:  # the border to S3: whatever it is, the disk is there
            self.away[run.team] = time.monotonic() + _NOT_ASKED
            log.warning("run %s is handed out from the disk: %s", run.id, _said(problem))
            return None

    def forget(self, run: Run, folder: RunFolder) -> bool:
        """Removes what `put` put there; False if that is to be tried again. Blocks."""
        told = manifest_of(folder)
        if not told.bucket:
            told = manifest_of(folder, BEGUN)
        if not told.bucket and not is_in_bucket(folder):
            return True
        try:
            access = self._access(run.team, told.bucket) if told.bucket else None
            if access is None:  # the team has no key to it now, or the manifest cannot be read
                raise LookupError(told.bucket)
            client = _client(access, self.s3.endpoint)
            for name in told.files:
                client.delete_object(Bucket=told.bucket, Key=_key(run.id, name))
        except Exception as problem:  # the border to S3
            given_up = run.expired is not None and now() > run.expired + _GIVEN_UP
            log.log(
                logging.ERROR if given_up else logging.WARNING,
                "what run %s left is still in bucket “%s”, below %s: %s%s", run.id, told.bucket,
                _key(run.id, ""), _said(problem), ". It is not tried again" if given_up else "",
            )  # fmt: skip
            return given_up
        return True

    def _bucket_of(self, run: Run) -> str | None:
        team = self.directory().team(run.team)
        profiles = {f"{team.name}.{p.slug}": p for p in team.profiles} if team else {}
        return profiles[run.profile].s3_bucket_name if run.profile in profiles else None

    def _access(self, team: str, bucket: str) -> BucketAccess | None:
        """The team's own key: it opens no bucket of another, whatever a manifest says."""
        return bucket_access(self.s3.keys_file, self.s3.endpoint)(team, bucket)


@dataclass(frozen=True)
class Manifest:
    """What of a run is in which bucket: the sizes of its files by their names."""

    bucket: str
    files: Mapping[str, int]


def manifest_of(folder: RunFolder, name: str = MANIFEST) -> Manifest:
    """What is known to be in the bucket; nothing, until all of it is. Blocks."""
    with contextlib.suppress(FairihubError, OSError, ValueError, KeyError, TypeError):
        with folder.open(name) as file:
            told = json.loads(file.read(_MAX_MANIFEST))
        return Manifest(str(told["bucket"]), {str(n): int(s) for n, s in told["files"].items()})
    return Manifest("", {})


def is_in_bucket(folder: RunFolder) -> bool:
    """Whether anything of the run was ever put into a bucket, as far as the disk knows. Blocks."""
    return any(os.path.lexists(folder.path / name) for name in (MANIFEST, BEGUN))


def _manifest(bucket: str, files: list[LeftFile]) -> bytes:
    return json.dumps({"bucket": bucket, "files": {f.name: f.size for f in files}}).encode()


def _key(run_id: str, name: str) -> str:
    return f"{PREFIX}/{run_id}/{name}"


def _said(problem: Exception) -> str:
    """The kind of a problem only: texts of S3 clients may hold signed addresses."""
    return type(problem).__name__


@functools.lru_cache(maxsize=64)
def _client(access: BucketAccess, endpoint: str) -> Any:
    import boto3  # slow to import, and of no use without this setting
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access.key,
        aws_secret_access_key=access.secret,
        region_name=access.region,
        config=Config(
            signature_version="s3v4",
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 2},
            # rclone and other S3 servers do not answer the newer default checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
