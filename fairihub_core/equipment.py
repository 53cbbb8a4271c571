"""What a server and a run of the same profile are both given: names and values in the environment.

Pure, so that a server and a run of one profile can never differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairihub_core.offers import Offer


@dataclass(frozen=True)
class BucketAccess:
    """How to reach the team's bucket; the values are secrets."""

    endpoint: str
    key: str
    secret: str
    region: str = "us-east-1"


def environment_of(
    offer: Offer, bucket: BucketAccess | None, secrets: Mapping[str, str]
) -> dict[str, str]:
    """Environment variables of the profile: what it is, its bucket, its secrets.

    Secrets never override what fairihub itself says. The names of the bucket's variables are
    those of EOxHub (`S3_USER_STORAGE_*`) and of the AWS tools.
    """
    profile = offer.profile
    said = {
        "FAIRIHUB_TEAM": offer.team.name,
        "FAIRIHUB_PROFILE": offer.name,
        "MEM_LIMIT": _number(profile.mem_limit),
        "MEM_GUARANTEE": _number(profile.mem_guarantee),
        "CPU_LIMIT": _number(profile.cpu_limit),
        "CPU_GUARANTEE": _number(profile.cpu_guarantee),
        "FAIRIHUB_GPU": str(profile.gpu) if profile.gpu else "",
    }
    return {**secrets, **{k: v for k, v in said.items() if v}, **_bucket(offer, bucket)}


def own_packages(home: Path) -> dict[str, str]:
    """Lets `%pip install` put packages into the home, where this member's kernels find them.

    Without it they would land in the environment that the hub itself runs in, for everyone.
    """
    folder = str(home / ".packages")
    return {"PIP_TARGET": folder, "PIP_UPGRADE": "1", "PYTHONPATH": folder}


def _bucket(offer: Offer, bucket: BucketAccess | None) -> dict[str, str]:
    name = offer.profile.s3_bucket_name
    if bucket is None or name is None:
        return {}
    return {
        "S3_USER_STORAGE_BUCKET": name,
        "S3_USER_STORAGE_KEY": bucket.key,
        "S3_USER_STORAGE_SECRET": bucket.secret,
        "AWS_ACCESS_KEY_ID": bucket.key,
        "AWS_SECRET_ACCESS_KEY": bucket.secret,
        "AWS_DEFAULT_REGION": bucket.region,
        "AWS_ENDPOINT_URL_S3": bucket.endpoint,
        # rclone and other S3 servers do not answer the newer default checksums.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }


def _number(value: float | int | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
