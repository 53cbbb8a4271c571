"""What the profile page shows, and what it preselects."""

import re
from datetime import date
from types import SimpleNamespace

import pytest

from fairihub_core.access import Closed, Denial
from fairihub_core.offers import Offer
from fairihub_core.teams import Profile, Team
from fairihub_portal.forms import profile_form
from fairihub_portal.views import ProfilePage, facts_of, limits_sentence, profile_page

GIB = 2**30
ENFORCED = SimpleNamespace(memory="enforced", cpu="enforced")
HOSTILE = "\"><script>alert('x')</script>"


def offers_of(**teams: list[str]) -> list[Offer]:
    """Offers by team; a profile's `*` marks it as the default."""
    return [
        Offer(team, profile)
        for name, slugs in teams.items()
        for team in [
            Team(
                name=name,
                namespace=name,
                profiles=tuple(
                    Profile(slug=s.rstrip("*"), display_name=s, default="*" in s) for s in slugs
                ),
            )
        ]
        for profile in team.profiles
    ]


def said(profile: Profile) -> list[tuple[str, str]]:
    return [(fact.label, str(fact)) for fact in facts_of(profile)]


def checked(page: ProfilePage) -> list[str]:
    return [card.value for section in page.sections for card in section.cards if card.checked]


def test_profiles_are_grouped_by_team_in_the_order_of_the_offers():
    page = profile_page(offers_of(b=["x", "y"], a=["x"]), ENFORCED)
    assert [(s.team, [c.value for c in s.cards]) for s in page.sections] == [
        ("b", ["b.x", "b.y"]),
        ("a", ["a.x"]),
    ]


@pytest.mark.parametrize(
    ("offers", "last", "selected"),
    [
        ({"a": ["x", "y"]}, None, "a.x"),
        ({"a": ["x", "y*"]}, None, "a.y"),
        ({"a": ["x"], "b": ["y*"]}, None, "b.y"),
        ({"a": ["x", "y*"]}, "a.x", "a.x"),
        ({"a": ["x", "y*"]}, "x", "a.x"),
        ({"a": ["x", "y*"]}, "b.z", "a.y"),
        ({"a": ["x"], "b": ["x"]}, "x", "a.x"),
    ],
)
def test_exactly_one_profile_is_preselected(offers, last, selected):
    assert checked(profile_page(offers_of(**offers), ENFORCED, last)) == [selected]


def test_what_a_profile_has_is_said_in_words():
    profile = Profile(
        slug="large",
        display_name="Large",
        mem_guarantee=30064771072,
        mem_limit=32212254720,
        cpu_guarantee=7,
        cpu_limit=8,
        gpu=2,
        s3_bucket_name="cubes",
        node_purpose="userM5n2xl",
        secret_names=("a", "b"),
        kernels=("python3", "ir"),
    )
    assert said(profile) == [
        ("Memory", "28–30 GiB"),
        ("CPU", "7–8 cores"),
        ("GPU", "2"),
        ("Bucket", "cubes"),
        ("Nodes", "userM5n2xl"),
        ("Secrets", "2"),
        ("Kernels", "python3, ir"),
    ]


def test_the_names_of_secrets_are_not_shown():
    profile = Profile(slug="x", display_name="X", secret_names=("launch-code",))
    page = profile_page([Offer(Team(name="a", namespace="a"), profile)], ENFORCED)
    assert "launch-code" not in profile_form(page)


def test_what_a_profile_has_not_is_left_out_or_said():
    assert said(Profile(slug="x", display_name="X")) == [
        ("Memory", "not limited"),
        ("CPU", "not limited"),
        ("GPU", "none"),
    ]


@pytest.mark.parametrize(
    ("size", "memory", "cpu"),
    [
        ({"mem_limit": 2 * GIB, "cpu_limit": 2}, "up to 2 GiB", "up to 2 cores"),
        ({"mem_guarantee": GIB, "cpu_guarantee": 1}, "at least 1 GiB", "at least 1 core"),
        ({"mem_guarantee": GIB, "mem_limit": GIB, "cpu_limit": 0.5}, "1 GiB", "up to 0.5 core"),
        ({"cpu_guarantee": 0.5, "cpu_limit": 2}, "not limited", "0.5–2 cores"),
        ({"cpu_guarantee": 0, "cpu_limit": 1}, "not limited", "0–1 core"),
    ],
)
def test_a_size_is_a_range_or_one_end_of_it(size, memory, cpu):
    profile = Profile(slug="x", display_name="X", **size)
    assert said(profile)[:2] == [("Memory", memory), ("CPU", cpu)]


@pytest.mark.parametrize("memory", ["enforced", "per-process", "none"])
@pytest.mark.parametrize("cpu", ["enforced", "none"])
def test_every_machine_has_a_sentence(memory, cpu):
    sentence = limits_sentence(SimpleNamespace(memory=memory, cpu=cpu))
    assert sentence.endswith(".")
    assert ("per process" in sentence) == (memory == "per-process")


def test_where_all_limits_are_kept_nothing_is_said_of_a_machine_that_pods_are_not_on():
    kept = limits_sentence(SimpleNamespace(memory="enforced", cpu="enforced"))
    assert kept == "Memory and CPU limits are enforced."


def test_a_machine_of_one_system_user_says_so():
    offers = offers_of(a=["x"])
    assert "one system user" in profile_form(
        profile_page(offers, ENFORCED, shares_system_user=True)
    )
    assert "one system user" not in profile_form(profile_page(offers, ENFORCED))


def test_a_single_profile_is_still_shown_and_sent_by_its_full_name():
    form = profile_form(profile_page(offers_of(a=["x"]), ENFORCED))
    assert 'value="a.x"' in form
    assert 'id="start-server"' in form


@pytest.mark.parametrize(
    ("denial", "said"),
    [
        (None, "offer no profile"),
        (Denial("ada", "no-team"), "No team lists"),
        (
            Denial("ada", "closed", (Closed("uc1", date(2024, 12, 31), True, ("bob",)),)),
            "closed after 2024-12-31. Its admins can have it opened again: bob.",
        ),
    ],
)
def test_without_an_offer_there_is_an_explanation_and_no_button(denial, said):
    form = profile_form(profile_page([], ENFORCED, denial=denial), "help@example.org")
    assert said in " ".join(re.sub(r"<[^>]+>", "", form).split())
    assert "help@example.org" in form
    assert "<button" not in form


def test_an_operator_without_a_team_is_led_home_and_sent_to_no_admin():
    form = profile_form(profile_page([], ENFORCED, teamless=True), home_url="/lab/hub/home")
    assert "operators belong to no team" in form
    assert 'href="/lab/hub/home"' in form
    assert "admin" not in form


def test_hostile_names_stay_text():
    profile = Profile(
        slug=HOSTILE, display_name=HOSTILE, description=HOSTILE, s3_bucket_name=HOSTILE
    )
    offer = Offer(Team(name=HOSTILE, namespace="a", profiles=(profile,)), profile)
    form = profile_form(profile_page([offer], ENFORCED), HOSTILE)
    assert "<script" not in form
