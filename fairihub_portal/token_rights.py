"""What a token may be limited to, and what a token may do, in words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fairihub_core import scopes
from fairihub_portal.texts import N_

_RUNS = "access:services!service=headless"
_CATALOGUE = "access:services!service=catalog"


@dataclass(frozen=True)
class TokenRight:
    """A box to tick on the token page, and the scopes that it stands for."""

    name: str
    label: str
    about: str
    scopes: tuple[str, ...]


RIGHTS = (
    TokenRight(
        "run",
        N_("Start runs"),
        N_("and follow and end them, and fetch their results"),
        (scopes.RUN, _RUNS),
    ),
    TokenRight(
        "read-runs",
        N_("Read runs"),
        N_("their state, logs and results, nothing else"),
        (scopes.READ_RUNS, _RUNS),
    ),
    TokenRight(
        "contribute",
        N_("Contribute notebooks"),
        N_("read the catalogue and put notebooks before the curators"),
        (scopes.CONTRIBUTE, _CATALOGUE),
    ),
    TokenRight(
        "curate",
        N_("Curate notebooks"),
        N_("publish and decline, in teams whose notebooks you look after"),
        (scopes.CURATE, _CATALOGUE),
    ),
)

_SHUT = {
    _RUNS: N_("Does not open the service for runs"),
    _CATALOGUE: N_("Does not open the catalogue"),
}
"""Of a token with a right that counts there only."""
_SAID = {
    "inherit": N_("Everything you may"),
    "access:services": N_("Use the services of this hub"),
    _RUNS: N_("Use the service for runs"),
    _CATALOGUE: N_("Use the catalogue"),
    "self": N_("Everything with your account, and by new tokens everything you may"),
    **{right.scopes[0]: right.label for right in RIGHTS},
}
_BY_KIND = {
    "access:servers": N_("Open your servers"),
    "users:activity": N_("Tell the hub that your server is in use"),
    "read:users:name": N_("Learn your login"),
    "read:users:groups": N_("Learn your teams"),
    "read:users": N_("Read what the hub knows of you"),
    "servers": N_("Start and stop your servers"),
    "tokens": N_("Make and revoke your tokens, and by new ones everything you may"),
}


@dataclass(frozen=True)
class Scopes:
    """What a token may do: sentences, and the names of scopes for which there is none."""

    said: tuple[str, ...]
    named: tuple[str, ...]


def scopes_in_words(held: Collection[str]) -> Scopes:
    """The scopes of a token as the page lists them; each sentence once."""
    said: dict[str, None] = {}
    named: list[str] = []
    # What a right has along with it goes without saying.
    along = {scope for right in RIGHTS if right.scopes[0] in held for scope in right.scopes[1:]}
    shut = set() if {"inherit", "access:services"} & set(held) else along - set(held)
    implied = {scope for one in held for scope in scopes.IMPLIED.get(one, ())}
    for scope in sorted(set(held) - along - implied):
        sentence = _SAID.get(scope) or _BY_KIND.get(scope.partition("!")[0])
        if sentence:
            said[sentence] = None
        else:
            named.append(scope)
    said |= dict.fromkeys(sentence for service, sentence in _SHUT.items() if service in shut)
    return Scopes(tuple(said), tuple(named))


def lifetimes(most_days: int) -> tuple[int, ...]:
    """The lifetimes to choose from, in days; the longest is the one that settings allow."""
    return (*(days for days in (1, 7, 30, 90) if days < most_days), most_days)
