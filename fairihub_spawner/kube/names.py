"""What the objects of a server are called, and the labels and annotations by which they are found.

Any login has a name that Kubernetes takes, and no two share one: what is readable in it may be
alike, the hash is over the whole. Whether an existing volume is really somebody's, its owner
annotation decides.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b32encode

from fairihub_core.cluster_names import OUR_SECRETS
from fairihub_core.offers import Offer
from fairihub_spawner.kube.settings import is_label_value

LOGIN = "fairihub.io/login"
TEAM = "fairihub.io/team"
PROFILE = "fairihub.io/profile"
NODE_PURPOSE = "fairihub.io/node-purpose"
HUB = "fairihub.io/hub"
HUB_USERNAME = "hub.jupyter.org/username"

_MOST = 63
_HASH = 16
"""Characters of five bits: nobody finds a login whose hash is that of another's."""
_READABLE = 20


def pod_name(login: str, team: str) -> str:
    """The pod of a member's server in one team."""
    return _named("jupyter", login, "pod", login, team)


def home_claim(login: str, team: str) -> str:
    """The claim of a member's home in one team."""
    return _named("home", login, "home", login, team)


def shared_claim(team: str) -> str:
    """The claim of a team's shared volume."""
    return _named("shared", team, "shared", team)


def server_secret(login: str, team: str) -> str:
    """The Secret that one server is given, and nobody else's."""
    return _named(f"{OUR_SECRETS}server", login, "secret", login, team)


def labels_of(login: str, offer: Offer, hub: str) -> dict[str, str]:
    """What costs are told apart by, and by what a hub finds its own."""
    return {
        **owner_labels(login, offer.team.name, hub),
        PROFILE: label_value(offer.profile.slug),
        NODE_PURPOSE: label_value(offer.profile.node_purpose or ""),
    }


def owner_labels(login: str | None, team: str, hub: str) -> dict[str, str]:
    """Whose a volume is; one without a login is the team's."""
    # KubeSpawner's own label for the login is no valid one for every login.
    person = {} if login is None else dict.fromkeys((LOGIN, HUB_USERNAME), label_value(login))
    return {HUB: label_value(hub), TEAM: label_value(team), **person}


def annotations_of(login: str, offer: Offer) -> dict[str, str]:
    """The same as they are, since labels cannot hold every login."""
    return {**owner_annotations(login, offer.team.name), PROFILE: offer.name}


def owner_annotations(login: str | None, team: str) -> dict[str, str]:
    """Whose a volume is, in full; one without a login is the team's."""
    return {TEAM: team, **({} if login is None else {LOGIN: login})}


def label_value(text: str) -> str:
    """`text` as the value of a label: as it is where that is possible, else with a hash.

    No two texts share one: `--` stands in those with a hash and in no other.
    """
    if is_label_value(text) and "--" not in text:
        return text
    return f"{_readable(text, _MOST - _HASH - 2)}--{_hash(text)}"


def _named(kind: str, shown: str, *all_of_it: str) -> str:
    hashed = f"-{_hash(*all_of_it)}"
    return f"{kind}-{_readable(shown, _READABLE)}"[: _MOST - len(hashed)].rstrip("-") + hashed


def _readable(text: str, most: int) -> str:
    """What of `text` a name can hold; `x` if that is nothing.

    Letters that only look like ASCII are left out: read aloud, a name must not be another's.
    """
    plain = "".join(chr(ord(c) | 32) if "A" <= c <= "Z" else c for c in text[: 4 * most])
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:most].strip("-") or "x"


def _hash(*parts: str) -> str:
    # A list in JSON has its borders written down: ("ab", "c") is not ("a", "bc").
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return b32encode(digest).decode().lower()[:_HASH]
