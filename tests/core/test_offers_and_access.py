"""Who may come in, and what they may start."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from fairihub_core.access import denial_of, holds_right, require_access
from fairihub_core.errors import Refused
from fairihub_core.offers import chosen, offers_for, parted, profile_of
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import Member, Profile, Team, TeamDirectory

TODAY = date(2026, 6, 1)
CLOSED = date(2024, 12, 31)


def team(name, *logins, profiles=("small",), expires=None, admins=()):
    members = tuple(
        Member(login=login, role="admin" if login in admins else "user") for login in logins
    )
    sizes = tuple(Profile(slug=slug, display_name=slug) for slug in profiles)
    return Team(name=name, namespace=name, members=members, profiles=sizes, expires=expires)


@pytest.fixture
def directory():
    return TeamDirectory(
        teams=(
            team("uc4", "ada", "grace", profiles=("small", "large"), admins=("ada",)),
            team("urban", "grace"),
            team(
                "old", "grace", "edsger", "barbara", expires=date(2024, 12, 31), admins=("barbara",)
            ),
        )
    )


def test_offers_are_those_of_open_teams_in_the_order_of_the_files(directory):
    assert [o.name for o in offers_for("ada", directory, TODAY)] == ["uc4.small", "uc4.large"]
    assert [o.name for o in offers_for("grace", directory, TODAY)] == [
        "uc4.small",
        "uc4.large",
        "urban.small",
    ]
    assert offers_for("edsger", directory, TODAY) == []
    assert [o.name for o in offers_for("edsger", directory, date(2024, 12, 31))] == ["old.small"]


@pytest.mark.parametrize(
    ("login", "requested", "name"),
    [
        ("ada", "small", "uc4.small"),
        ("ada", "uc4.large", "uc4.large"),
        ("ada", None, "uc4.small"),
        ("grace", "large", "uc4.large"),
    ],
)
def test_chosen(directory, login, requested, name):
    assert chosen(requested, offers_for(login, directory, TODAY)).name == name


@pytest.mark.parametrize(
    ("login", "requested", "words"),
    [
        ("grace", "small", "“small” fits several teams: uc4.small, urban.small."),
        ("grace", None, "You are in several teams; name the profile: uc4.small, uc4.large, "),
        ("ada", "urban.small", "“urban.small” is not one of your profiles: uc4.small, uc4.large."),
        ("ada", "../small", "“../small” is not one of your profiles: uc4.small, uc4.large."),
        ("edsger", "small", "None of your teams offers a profile at present."),
    ],
)
def test_not_chosen(directory, login, requested, words):
    with pytest.raises(Refused) as refusal:
        chosen(requested, offers_for(login, directory, TODAY))
    assert refusal.value.message.startswith(words)


@pytest.mark.parametrize(
    ("choice", "parts", "profile"),
    [
        ("uc4.small", ("uc4", "small"), "small"),
        ("uc4.gone", ("uc4", "gone"), None),
        ("gone.small", ("gone", "small"), None),
        ("uc.small", ("uc", "small"), None),
        ("uc4", ("uc4", ""), None),
        ("small", ("small", ""), None),
        ("", ("", ""), None),
        (None, ("", ""), None),
    ],
)
def test_a_choice_is_taken_apart_as_it_was_named(directory, choice, parts, profile):
    assert parted(choice) == parts
    found = profile_of(choice, directory)
    assert (found.slug if found else None) == profile


def test_denials_say_what_decided_and_whom_to_ask(directory):
    assert denial_of("ada", directory, TODAY) is None
    stranger = denial_of("eve", directory, TODAY)
    assert (stranger.reason, stranger.closed) == ("no-team", ())
    assert "“eve”" in stranger.message()
    closed = denial_of("edsger", directory, TODAY)
    assert closed.reason == "closed"
    assert closed.closed[0].team == "old"
    assert closed.closed[0].closed_on == date(2024, 12, 31)
    assert closed.closed[0].ask == ("barbara",)
    assert closed.message() == "Team “old” closed after 2024-12-31."


def test_the_admin_of_a_closed_team_is_not_told_to_ask_herself(directory):
    (closed,) = denial_of("barbara", directory, TODAY).closed
    assert (closed.ask, closed.own) == ((), True)
    (theirs,) = denial_of("edsger", directory, TODAY).closed
    assert not theirs.own
    ended = Member(login="ada", role="admin", expires=date(2026, 5, 31))
    members = (ended, Member(login="bob", role="admin"))
    one = TeamDirectory(teams=(Team(name="t", namespace="t", members=members),))
    (former,) = denial_of("ada", one, TODAY).closed
    assert (former.ask, former.own) == (("bob",), False), "an open team has its say without her"


def test_a_membership_may_end_before_its_team():
    ended = Member(login="ada", expires=date(2026, 5, 31))
    directory = TeamDirectory(teams=(Team(name="t", namespace="t", members=(ended,)),))
    denial = denial_of("ada", directory, TODAY)
    assert denial.message() == "Membership of “t” ended after 2026-05-31."
    assert denial_of("ada", directory, date(2026, 5, 31)) is None


def test_require_access(directory):
    assert [t.name for t in require_access("grace", directory, TODAY)] == ["uc4", "urban"]
    with pytest.raises(Refused, match="No team lists"):
        require_access("eve", directory, TODAY)


@pytest.mark.parametrize(
    ("login", "team_name", "holds"),
    [
        ("ada", "uc4", True),
        ("grace", "uc4", False),
        ("ada", "urban", False),
        ("barbara", "old", False),
        ("eve", "uc4", False),
        ("ada", "nope", False),
    ],
)
def test_rights_are_of_one_open_team(directory, login, team_name, holds):
    assert holds_right(login, team_name, "notebooks", directory, TODAY) is holds


def test_a_snapshot_survives_its_journey(directory):
    snapshot = Snapshot(number=7, taken=datetime.now(timezone.utc), directory=directory)
    back = Snapshot.model_validate_json(snapshot.model_dump_json())
    assert back == snapshot
    assert back.directory.logins() == {"ada", "grace", "edsger", "barbara"}
