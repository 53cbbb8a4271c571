"""The catalogue's page: what it says of nothing, and that it has the look of the hub."""

from __future__ import annotations

import pytest

from fairihub_catalog import pages
from fairihub_catalog.operations import Answer, Call
from fairihub_core.service_page import Brand

BRAND = Brand("Orchard", "#3fbf6a", "Our Notebooks", "/")
LINKS = pages.Links("/services/catalog/", "/")


@pytest.mark.parametrize(
    ("query", "words"),
    [({}, "No notebooks yet."), ({"q": ["<b>tea"]}, "No notebook fits this search.")],
)
def test_an_empty_list_says_why(catalogue, who, query, words):
    answer = pages.listing(catalogue, Call(who("ada"), query=query), LINKS, BRAND)
    page = answer.body.decode()
    assert words in page
    assert "<b>tea" not in page
    assert "Orchard" in page
    assert 'href="/hub/logout"' in page
    assert answer.headers["Content-Security-Policy"] == BRAND.policy


def test_a_problem_has_the_look_too():
    refused = Answer(b'{"code": "x", "message": "No <b>team</b> lets you in."}', 403)
    page = pages.problem(refused, BRAND, "eve")
    assert page.status == 403
    assert b"No &lt;b&gt;team" in page.body
    assert b'href="/hub/home"' in page.body
    assert b'href="/hub/logout"' in page.body
