"""What the audit log says of a change of the team files, and of a new token."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from fairihub_auth.audit_entries import Known, entries_of, entry_of_token
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Member, Profile, Team, TeamDirectory

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
TODAY = NOON.date()
YESTERDAY = TODAY - timedelta(days=1)


def member(login: str, **more: Any) -> Member:
    return Member(login=login, **more)


def team(name: str, *members: Member, **more: Any) -> Team:
    return Team(name=name, namespace=name, members=members, **more)


def snapshot(number: int, *teams: Team) -> Snapshot:
    """A snapshot whose files list each login on a line of its own, and have a revision."""
    files = tuple(
        FileReport(
            path=f"{t.name}.yaml",
            source="geo",
            team=t.name,
            revision="0123456789abcdef",
            lines={m.login: n for n, m in enumerate(t.members, 10)},
        )
        for t in teams
    )
    return Snapshot(number=number, taken=NOON, directory=TeamDirectory(teams=teams), files=files)


def told(before: Snapshot, after: Snapshot, then: date = TODAY) -> list[tuple[str, str, str, str]]:
    return [
        (e.action, e.team, e.login, e.detail.removesuffix(" geo: a.yaml, at 0123456789ab"))
        for e in entries_of(before, after, then=then, at=NOON)
    ]


ADA, BOB = member("ada", role="admin"), member("bob")


def test_who_is_new_with_the_line_and_revision() -> None:
    (entry,) = entries_of(snapshot(1, team("a", ADA)), snapshot(2, team("a", ADA, BOB)))
    assert (entry.action, entry.team, entry.login) == ("admitted", "a", "bob")
    assert (entry.at, entry.by) == (NOON, "team files")
    assert entry.detail == "user. geo: a.yaml, line 11, at 0123456789ab"


def test_who_is_listed_no_more() -> None:
    assert told(snapshot(1, team("a", ADA, BOB)), snapshot(2, team("a", ADA))) == [
        ("removed", "a", "bob", "Listed no more.")
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            member("bob"), member("bob", role="admin"),
            "user; now admin, curates environments, notebooks.",
        ),
        (
            member("bob", rights=frozenset({"notebooks"})), member("bob"),
            "user, curates notebooks; now user.",
        ),
        (
            member("bob"), member("bob", expires=date(2099, 1, 1)),
            "user; now user until 2099-01-01.",
        ),
    ],
)  # fmt: skip
def test_rights_that_changed(old: Member, new: Member, said: str) -> None:
    (entry,) = entries_of(snapshot(1, team("a", old)), snapshot(2, team("a", new)))
    assert (entry.action, entry.login) == ("rights-changed", "bob")
    assert entry.detail == f"{said} geo: a.yaml, line 10, at 0123456789ab"


# --- by a claim ---

KEYCLOAK = Known(provider="Keycloak", written=lambda name: {"ada": "lovelace"}.get(name, name))
BY_CLAIM = member("bob", claims=("members",))
CURATOR = member("bob", claims=("curators", "members"), rights=frozenset({"notebooks"}))
LISTED = member("ada")
MARKS = {"allowClaims": 4, "allowedLogins": 9, "lovelace": 12}


def change(old: Team | None, new: Team | None, known: Known = KEYCLOAK) -> list[tuple[str, str]]:
    """Who made it, and what is told, each with the file's line."""
    report = FileReport(path="a.yaml", team="a", lines=MARKS)

    def at(number: int, *teams: Team) -> Snapshot:
        return snapshot(number, *teams).model_copy(update={"files": (report,)})

    before, after = (at(n, *([team] if team else [])) for n, team in ((1, old), (2, new)))
    entries = entries_of(before, after, then=TODAY, at=NOON, known=known)
    told = [e for e in entries if e.action != "teams-changed"]
    return [(e.by, f"{e.action} {e.login}: {e.detail}") for e in told]


def claiming(*members: Member) -> Team:
    return team("a", *members, allow_claims=True)


@pytest.mark.parametrize(
    ("old", "new", "by", "said"),
    [
        (claiming(BY_CLAIM), claiming(), "Keycloak",
         "removed bob: The claim “members” is gone. a.yaml, line 4"),
        (claiming(CURATOR), claiming(), "Keycloak",
         "removed bob: The claims “curators”, “members” are gone. a.yaml, line 4"),
        (claiming(), claiming(BY_CLAIM), "Keycloak",
         "admitted bob: user. The claim “members” is new. a.yaml, line 4"),
        (claiming(CURATOR), claiming(BY_CLAIM), "Keycloak",
         "rights-changed bob: user, curates notebooks; now user. The claim “curators” is gone. "
         "a.yaml, line 4"),
        (claiming(BY_CLAIM), claiming(CURATOR), "Keycloak",
         "rights-changed bob: user; now user, curates notebooks. The claim “curators” is new. "
         "a.yaml, line 4"),
        # What the file says is by the file, also of whom a claim would let in.
        (claiming(BY_CLAIM), team("a"), "team files",
         "removed bob: The claim “members” counts no more. a.yaml, line 4"),
        (team("a"), claiming(BY_CLAIM), "team files",
         "admitted bob: user. The claim “members” counts now. a.yaml, line 4"),
        (claiming(BY_CLAIM), None, "team files", "removed bob: The team is gone. a.yaml"),
        (claiming(BY_CLAIM), claiming(BY_CLAIM.model_copy(update={"role": "admin"})), "team files",
         "rights-changed bob: user; now admin, curates environments, notebooks. a.yaml"),
        (claiming(BY_CLAIM), claiming(BY_CLAIM.model_copy(update={"expires": YESTERDAY})),
         "team files", "removed bob: Membership of “a” ended after 2026-05-03. a.yaml"),
        (claiming(), claiming(LISTED), "team files", "admitted ada: user. a.yaml, line 12"),
        (claiming(LISTED), claiming(), "team files",
         "removed ada: Listed no more. a.yaml, line 12"),
        (claiming(), claiming(LISTED.model_copy(update={"claims": ("members",)})), "team files",
         "admitted ada: user. a.yaml, line 12"),
        (claiming(member("lovelace")), claiming(), "team files",
         "removed lovelace: Its account has another name here, or is not the one that the file "
         "means. a.yaml, line 12"),
    ],
)  # fmt: skip
def test_who_changed_what(old: Team | None, new: Team | None, by: str, said: str) -> None:
    assert change(old, new) == [(by, said)]


def test_of_a_forgotten_account_no_claim_is_gone() -> None:
    known = replace(KEYCLOAK, written=str, has_account=lambda name: False)
    assert change(claiming(BY_CLAIM), claiming(), known) == [
        ("fairihub", "removed bob: The account is forgotten here.")
    ]


def test_a_team_that_comes_goes_or_changes() -> None:
    small = Profile(slug="small", display_name="Small")
    assert told(snapshot(1), snapshot(2, team("a", ADA)))[0] == (
        ("teams-changed", "a", "", "New, with 1 members.")
    )
    assert told(snapshot(1, team("a", ADA)), snapshot(2)) == [
        ("teams-changed", "a", "", "Gone."),
        ("removed", "a", "ada", "The team is gone. geo: a.yaml, line 10, at 0123456789ab"),
    ]
    assert told(snapshot(1, team("a", ADA)), snapshot(2, team("a", ADA, profiles=(small,)))) == [
        ("teams-changed", "a", "", "Other than before: profiles.")
    ]


def test_another_order_is_told_to_nobody() -> None:
    assert told(snapshot(1, team("a", ADA, BOB)), snapshot(2, team("a", BOB, ADA))) == []


def test_a_day_on_which_memberships_end() -> None:
    ending = snapshot(1, team("a", ADA, member("bob", expires=YESTERDAY)))
    assert told(ending, ending) == []
    (entry,) = entries_of(ending, ending, then=YESTERDAY, at=NOON)
    assert (entry.action, entry.login) == ("removed", "bob")
    assert entry.detail.startswith("Membership of “a” ended after 2026-05-03.")


def test_a_team_that_closes_lets_nobody_in() -> None:
    closing = snapshot(1, team("a", ADA, BOB, expires=YESTERDAY))
    found = told(closing, closing, then=YESTERDAY)
    assert [(action, login) for action, _, login, _ in found] == [
        ("removed", "ada"),
        ("removed", "bob"),
    ]


def test_a_hub_that_starts_lets_nobody_in_anew() -> None:
    assert told(snapshot(0), snapshot(1, team("a", ADA, BOB))) == []


def test_a_team_of_two_thousand_is_compared_in_no_time() -> None:
    teams = [team(f"t{n}", *(member(f"login{n}-{m}") for m in range(10))) for n in range(200)]
    changed = [*teams[:-1], team("t199", *teams[-1].members[:-1])]
    assert [e.login for e in entries_of(snapshot(1, *teams), snapshot(2, *changed))] == [
        "login199-9"
    ]


def test_a_token_is_described_and_not_shown() -> None:
    expires = datetime(2026, 6, 1, 8, 30)
    entry = entry_of_token("ada", "n" * 2000, ["custom:fairihub:run"], expires)
    assert (entry.action, entry.login) == ("token-made", "ada")
    assert entry.detail.startswith("For custom:fairihub:run, until 2026-06-01 08:30 UTC: “nnn")
    assert len(entry.detail) < 400
    assert entry_of_token("ada", None, None, None).detail == "For nothing, without end: “”"
