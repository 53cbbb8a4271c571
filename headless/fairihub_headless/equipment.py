"""What the worker of a run is given: the profile's environment, nothing of the service's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fairihub_core.bucket_keys import bucket_access
from fairihub_core.equipment import BucketAccess, environment_of, own_packages
from fairihub_core.offers import Offer
from fairihub_core.places import Places
from fairihub_core.team_secrets import secrets_of
from fairihub_headless.checkout import VARIABLE
from fairihub_headless.folders import RESULTS, RunFolder
from fairihub_headless.models import MARK, Limits, Run
from fairihub_headless.settings import S3Settings

_INHERITED = re.compile(
    r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|USER|LOGNAME|SHELL|LD_LIBRARY_PATH|DYLD_[A-Z_]+"
    r"|VIRTUAL_ENV|CONDA_PREFIX|PYTHONPATH|JUPYTER_PATH|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
    r"|(https?|no)_proxy|(HTTPS?|NO)_PROXY"
)
"""What a run takes over from the service; everything else, its tokens above all, it never sees."""


@dataclass(frozen=True)
class Equipment:
    """The environment of a worker, which names in it hold secrets, and what these open."""

    environment: Mapping[str, str]
    secret_names: tuple[str, ...]
    bucket: str | None = None
    """The bucket that it has the key of."""


def equipment_of(
    run: Run, offer: Offer, folder: RunFolder, places: Places, s3: S3Settings | None
) -> Equipment:
    """What the worker of `run` gets. Reads secret files; blocks."""
    secrets = secrets_of(offer, places)
    bucket = _bucket(s3, offer)
    given = environment_of(_narrowed(offer, run.limits), bucket, secrets)
    secret_names = {*secrets}
    if bucket is not None:
        secret_names |= {name for name, value in given.items() if value == bucket.secret}
    inherited = {n: v for n, v in os.environ.items() if _INHERITED.fullmatch(n)}
    home = places.home(offer.team.name, run.owner)
    own = {
        **own_packages(home),
        "HOME": str(home),
        MARK: run.id,
        "RESULTS_DIRECTORY": str(folder.work / RESULTS),
        "JUPYTER_RUNTIME_DIR": str(folder.runtime),
        "PYTHONUNBUFFERED": "1",
        **({"JUPYTER_IMAGE": offer.profile.image} if offer.profile.image else {}),
        **({VARIABLE: str(folder.checkout)} if run.source.revision else {}),
    }
    named = offer.profile.s3_bucket_name if bucket else None
    return Equipment({**inherited, **given, **own}, tuple(sorted(secret_names)), named)


def _narrowed(offer: Offer, limits: Limits) -> Offer:
    """The offer with the limits of one run, which are never above its own."""
    asked = limits.model_dump(include={"mem_limit", "cpu_limit"}, exclude_none=True)
    return replace(offer, profile=offer.profile.model_copy(update=asked))


def _bucket(s3: S3Settings | None, offer: Offer) -> BucketAccess | None:
    """The team's key, read anew for each run: keys are changed while the service runs."""
    name = offer.profile.s3_bucket_name
    if s3 is None or name is None:
        return None
    return bucket_access(s3.keys_file, s3.endpoint)(offer.team.name, name)
