"""Every route of the code has a row in the matrix of access, and every row a route.

The routes are read out of the parts themselves, put together as they serve: who adds a route,
or a method to one, has to say first who may use it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.access.matrix import read_matrix
from tests.support.access.routes import PARTS, Listed, hub_settings, listed

MATRIX = read_matrix()
PROVIDERS = {
    "links": {},
    "github": {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "secret"},
    "oidc": {"OIDC_CLIENT_ID": "id", "OIDC_CLIENT_SECRET": "secret"},
}
OIDC = {"issuer": "http://127.0.0.1:9/realms/hub"}


def routes_of(part: str, folder: Path, sign_in: str = "links") -> tuple[Listed, ...]:
    if part != "hub":
        return listed(part)
    settings = {"oidc": OIDC} if sign_in == "oidc" else {}
    return listed(part, hub_settings(folder, sign_in, **settings), **PROVIDERS[sign_in])


def by_name(routes: tuple[Listed, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for route in routes:
        # HEAD is GET without a body, and OPTIONS tells nobody anything (test_access_matrix.py).
        found.setdefault(route.name, set()).update(set(route.methods) - {"HEAD", "OPTIONS"})
    return found


@pytest.mark.parametrize("sign_in", PROVIDERS)
def test_every_route_of_the_hub_is_decided(sign_in: str, tmp_path: Path) -> None:
    check(by_name(routes_of("hub", tmp_path, sign_in)), MATRIX.methods("hub", sign_in))


@pytest.mark.parametrize("part", [part for part in PARTS if part != "hub"])
def test_every_route_of_a_part_is_decided(part: str, tmp_path: Path) -> None:
    check(by_name(routes_of(part, tmp_path)), MATRIX.methods(part))


def check(there: dict[str, set[str]], decided: dict[str, set[str]]) -> None:
    undecided = [
        f"{method} {name}"
        for name, methods in there.items()
        for method in sorted(methods - decided.get(name, set()))
    ] + [name for name in there if name not in decided]
    assert not undecided, f"without a row in access_matrix.yaml: {undecided}"
    gone = [
        f"{method} {name}"
        for name, methods in decided.items()
        for method in sorted(methods)
        # Without a method of its own it answers every one, before it comes to that.
        if name not in there or (there[name] and method not in there[name])
    ]
    assert not gone, f"rows of access_matrix.yaml without a route: {gone}"


def test_every_handler_of_ours_in_a_users_server_says_what_identity_it_wants() -> None:
    """With `allow_unauthenticated_access=False` Jupyter warns of each that does not.

    The two websockets check it on their own, in ways that Jupyter does not know; the matrix
    asks both.
    """
    found = {route.handler for route in listed("undecorated")}
    assert found == {"LanguageServerWebSocketHandler", "TermSocket"}


def test_rows_ask_at_addresses_that_their_routes_take(tmp_path: Path) -> None:
    routes = [route for part in PARTS for route in routes_of(part, tmp_path)]
    astray = []
    for group in MATRIX.groups:
        for row in group.rows if not group.only else ():
            named = [r for r in routes if r.part == group.part and r.name == row.route]
            for ask in row.asks:
                if not any(route.takes(sample(ask.at)) for route in named):
                    astray.append(f"{row.route}: {ask.at}")
    assert not astray, f"no such address: {astray}"


def sample(at: str) -> str:
    """The path of an address, with something in place of the words in braces."""
    path = at.partition("?")[0]
    for name in ("contribution", "my_contribution", "viewers_contribution"):
        path = path.replace(f"{{{name}}}", "0" * 32)
    for name in ("kernel", "session"):
        path = path.replace(f"{{{name}}}", "a-b-c-d-e")
    return path.replace("{", "").replace("}", "")
