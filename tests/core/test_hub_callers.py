"""Who is let through where, of those who ask the hub's own API."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fairihub_core.errors import FairihubError, SignedOut
from fairihub_core.hub_callers import Caller, caller_of, require_operator, require_person
from fairihub_core.query import count_in, query_of
from fairihub_core.teams import TeamDirectory

DIRECTORY = TeamDirectory(teams=(), operators=frozenset({"olga"}))
WHOLE = Caller("ada", whole=True)
LIMITED = Caller("ada")
CONSOLE = Caller("cli", is_service=True)
SERVICE = Caller("catalog", is_service=True)


@pytest.mark.parametrize(
    ("caller", "as_person", "as_operator"),
    [
        (WHOLE, "", "operators-only"),
        (LIMITED, "no-scope", "no-scope"),
        (CONSOLE, "not-a-person", ""),
        (SERVICE, "not-a-person", "not-a-person"),
        (Caller("olga", whole=True), "", ""),
        (Caller("olga"), "no-scope", "no-scope"),
    ],
)
def test_who_passes(caller, as_person, as_operator):
    def refused(require, *given):
        try:
            require(caller, *given)
        except FairihubError as error:
            return error.code
        return ""

    assert refused(require_person) == as_person
    assert refused(require_operator, DIRECTORY) == as_operator


@pytest.mark.parametrize(
    ("kind", "token", "scopes", "caller"),
    [
        ("user", None, (), WHOLE),
        ("user", "a token", ("tokens!user=ada",), WHOLE),
        ("user", "a token", ("self",), LIMITED),
        ("service", "a token", (), Caller("ada", is_service=True)),
    ],
)
def test_a_session_and_some_tokens_may_do_all(kind, token, scopes, caller):
    asked = SimpleNamespace(
        current_user=SimpleNamespace(name="ada", kind=kind),
        get_token=lambda: token,
        has_scope=lambda scope: scope in scopes,
        expanded_scopes=set(),
    )
    assert caller_of(asked) == caller


def test_nobody_is_no_caller():
    with pytest.raises(SignedOut):
        caller_of(SimpleNamespace(current_user=None))


def test_what_pages_send_along_is_no_parameter():
    query = query_of({"_xsrf": [b"x"], "lines": [b"7"]}, ["lines"])
    assert count_in(query, "lines", 200, 5000) == 7
    assert count_in({}, "lines", 200, 5000) == 200
