"""From a form or a request to an offer: what is refused, and in which words."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.starts import refused
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.options import choice, options_from_form, wants_a_click

from .conftest import team

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
DIRECTORY = TeamDirectory(
    teams=(
        team("uc4", "ada bob", small={}, large={}),
        team("uc5", "ada", small={}, gpu={}),
        team("uc6", "cleo", "2026-05-31", small={}),
        team("uc7", "dora"),
    )
)


@pytest.mark.parametrize(
    ("login", "options", "answer"),
    [
        ("bob", {"profile": "large"}, "uc4.large"),
        ("bob", {"profile": "uc4.large"}, "uc4.large"),
        ("bob", {}, "uc4.small"),
        ("bob", {"profile": None}, "uc4.small"),
        ("ada", {"profile": "gpu"}, "uc5.gpu"),
        ("ada", {"profile": "small"}, "unknown-profile: “small” fits several teams"),
        ("ada", {}, "several-teams: "),
        ("bob", {"profile": "gpu"}, "unknown-profile: “gpu” is not one of your profiles"),
        ("bob", {"profile": "uc5.gpu"}, "unknown-profile: "),
        ("bob", {"profile": "../small"}, "unknown-profile: "),
        ("bob", {"profile": "small", "image": "evil"}, "unknown-option: “image” cannot"),
        ("bob", {"volumes": [], "mem_limit": 1}, "unknown-option: “mem_limit”, “volumes” cannot"),
        (
            "bob",
            {str(n): 1 for n in range(9)},
            "unknown-option: “0”, “1”, “2”, “3”, “4” and 4 more",
        ),
        ("bob", {"x" * 999: 1}, f"unknown-option: “{'x' * 40}” cannot"),
        ("bob", {"profile": ["small", "large"]}, "bad-option: "),
        ("bob", {"profile": {"a": 1}}, "bad-option: "),
        ("bob", {"profile": ""}, "bad-option: "),
        ("bob", {"profile": "x" * 201}, "bad-option: "),
        ("cleo", {"profile": "small"}, "closed: Team “uc6” closed after 2026-05-31."),
        ("dora", {}, "no-profile: "),
        ("eve", {"profile": "small"}, "no-team: No team lists “eve”."),
        ("eve", {"image": "evil"}, "unknown-option: "),
    ],
)
def test_choice(login, options, answer):
    assert said(options, login).startswith(answer)


def said(options, login) -> str:
    try:
        offer, remembered = choice(options, login, DIRECTORY, TODAY)
    except FairihubError as error:
        return f"{error.code}: {error.message}"
    return offer.name if remembered == {"profile": offer.name} else str(remembered)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"image": "evil:1"},
            "“image” cannot be chosen at start. Name a “profile” and nothing else: image, size, "
            "volumes and environment come with it.",
        ),
        (
            {"profile": ["small"]},
            "“profile” must be the name of one profile. Name one, such as “small” or “team.small”.",
        ),
        (
            {"profile": "huge"},
            "This profile is not offered to you. Choose one of the profiles on the page.",
        ),
        (
            {},
            "You are in several teams, which offer uc4.small, uc4.large, uc5.small, uc5.gpu. "
            "Name one of these profiles.",
        ),
    ],
)
def test_what_was_asked_for_wrongly_its_caller_can_mend(options, said):
    with pytest.raises(FairihubError) as error:
        choice(options, "ada", DIRECTORY, TODAY)
    told = refused(error.value.code, error.value.message, NOW, error.value.details)
    assert (told.who, told.said) == ("you", said)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ({"profile": ["small"], "_xsrf": ["2|…"]}, {"profile": "small"}),
        ({"profile": ["small", "large"]}, {"profile": ["small", "large"]}),
        ({"image_file": [{"body": b""}]}, {"image_file": {"body": b""}}),
        ({}, {}),
    ],
)
def test_a_form_becomes_options(form, options):
    assert options_from_form(form) == options


@pytest.mark.parametrize(
    ("headers", "clicks"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Host": "hub.example", "Referer": "https://hub.example/hub/home"}, False),
        ({"Host": "hub.example", "Referer": "https://evil.example/hub.example"}, True),
        ({"Host": "hub.example"}, True),
        ({}, True),
    ],
)
def test_a_link_from_another_site_needs_a_click(headers, clicks):
    assert wants_a_click(headers) is clicks
