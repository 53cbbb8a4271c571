"""Names in a team file that a cluster has to take: of Secrets and of images."""

from __future__ import annotations

import re

DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
OBJECT = rf"(?=.{{1,253}}\Z){DNS_LABEL}(?:\.{DNS_LABEL})*"
OUR_SECRETS = "fairihub-"
"""How the names of the hub's own Secrets begin; no team file may name one."""

# As https://github.com/distribution/reference has it; the first part may be a server.
_HOST_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_SERVER = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})"
_IMAGE = re.compile(rf"(?:{_SERVER}/)?{_PART}(?:/{_PART})*(?::{_TAG})?(?:@{_DIGEST})?")


def is_object_name(text: str) -> bool:
    """Whether an object of Kubernetes, such as a Secret, can have that name."""
    return re.fullmatch(OBJECT, text, re.ASCII) is not None


def is_team_secret(text: str) -> bool:
    """Whether a Secret of a team can have that name."""
    return is_object_name(text) and not text.startswith(OUR_SECRETS)


def is_image(text: str) -> bool:
    """Whether there can be an image of that name; whether there is, only its registry knows."""
    return len(text) <= 400 and _IMAGE.fullmatch(text) is not None
