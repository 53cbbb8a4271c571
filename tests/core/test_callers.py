"""What a service makes of the hub's word on a caller."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fairihub_core.callers import ADDRESS, asks_from_elsewhere, is_foreign, visitor_of
from fairihub_core.errors import FairihubError
from fairihub_core.scopes import MEMBER_SCOPES, READ_RUNS, RUN

ACCESS = "access:services!service=headless"


def model(*scopes: str, **more: Any) -> dict[str, Any]:
    """What a hub says of ada, whose token holds these scopes."""
    return {"name": "ada", "kind": "user", "scopes": list(scopes), **more}


@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        (None, "signed-out", 401),
        (model("read:users!user=ada"), "no-scope", 403),
        (model("access:services!service=catalog", RUN), "no-scope", 403),
        (model("access:services!user=ada", RUN), "no-scope", 403),
        (model(ACCESS, kind="service"), "not-a-person", 403),
        (model(ACCESS, kind="robot"), "not-a-person", 403),
        ({}, "hub-away", 503),
        (["ada"], "hub-away", 503),
        (model(ACCESS, name=""), "hub-away", 503),
        (model(ACCESS, name="a" * 10_000_000), "hub-away", 503),
        ({"name": "ada", "kind": "user", "scopes": ACCESS}, "hub-away", 503),
    ],
)
def test_who_does_not_get_past_the_door(said: Any, code: str, status: int) -> None:
    with pytest.raises(FairihubError) as refused:
        visitor_of(said, "headless")
    assert (refused.value.code, refused.value.status) == (code, status)


@pytest.mark.parametrize(
    ("held", "may"),
    [
        (RUN, True),
        (f"{RUN}!user=ada", True),
        (f"{RUN}!service=headless", True),
        (f"{RUN}!user=bob", False),
        (f"{RUN}!service=catalog", False),
        (f"{RUN}!group=ada", False),
        (f"{RUN}s", False),
        (READ_RUNS, False),
    ],
)
def test_a_scope_counts_where_it_holds(held: str, may: bool) -> None:
    visitor = visitor_of(model(ACCESS, held), "headless")
    visitor.require(None)
    assert visitor.holds(RUN) is may
    if not may:
        with pytest.raises(FairihubError, match=RUN) as refused:
            visitor.require(RUN)
        assert refused.value.details == {"scope": RUN}


@pytest.mark.parametrize("door", [ACCESS, "access:services"])
def test_all_that_a_member_may_is_asked_for_by_name(door: str) -> None:
    visitor = visitor_of(model(door, *MEMBER_SCOPES), "headless")
    assert visitor.login == "ada"
    assert all(visitor.holds(scope) for scope in MEMBER_SCOPES)


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        (None, False),
        ("https://hub.example", False),
        ("http://127.0.0.1:8000", False),
        ("http://127.0.0.1:8001", True),
        ("https://hub.example.evil.org", True),
        ("https://evil.org", True),
        ("https://hub.example@evil.org", True),
        ("null", True),
        ("", True),
    ],
)
def test_a_page_of_another_site(origin: str | None, foreign: bool) -> None:
    assert is_foreign(origin, ("hub.example", "127.0.0.1:8000")) is foreign


@pytest.mark.parametrize(
    ("origin", "elsewhere"),
    [
        (None, False),
        ("http://127.0.0.1:8000", False),
        ("https://hub.example", False),
        ("https://known.example", False),
        ("https://evil.org", True),
    ],
)
def test_the_hub_is_asked_from_its_own_addresses(origin: str | None, elsewhere: bool) -> None:
    """Where a proxy before the hub calls it otherwise than people do, its settings know better."""
    asked = SimpleNamespace(
        request=SimpleNamespace(host="127.0.0.1:8000", headers={"Origin": origin}),
        settings={"public_url": urlsplit("https://hub.example"), ADDRESS: "https://known.example"},
    )
    assert asks_from_elsewhere(asked) is elsewhere
    asked.settings = {}
    assert asks_from_elsewhere(asked) is (origin not in (None, "http://127.0.0.1:8000"))
    asked._token_authenticated = True
    assert not asks_from_elsewhere(asked)


@pytest.mark.parametrize(
    ("host", "origin", "foreign"),
    [
        ("Hub.Example.org:443", "https://hub.example.org", False),
        ("hub.example.org:443", "https://hub.example.org", False),
        ("hub.example.org:80", "https://hub.example.org", False),
        ("hub.example.org:80", "http://hub.example.org", False),
        ("hub.example.org", "https://hub.example.org:443", False),
        ("hub.example.org:8443", "https://hub.example.org:8443", False),
        ("hub.example.org:8443", "https://hub.example.org", True),
        ("hub.example.org", "https://hub.example.org:8443", True),
        ("hub.example.org:443", "https://hub.example.org:8443", True),
        ("straße.example", "https://xn--strae-oqa.example", False),
        ("HÜB.example:443", "https://xn--hb-xka.example", False),
        ("hüb.example", "https://hub.example", True),
        ("[::1]:8000", "http://[::1]:8000", False),
        ("[::1]:8000", "http://[::1]:8001", True),
        ("", "https://hub.example.org", True),
        ("hub.example.org", "chrome-extension://hub.example.org", True),
        ("hub.example.org", "http://[", True),
    ],
)
def test_a_site_is_its_host_and_port_however_they_are_written(
    host: str, origin: str, foreign: bool
) -> None:
    assert is_foreign(origin, (host,)) is foreign
