"""What the page of a team says of members and of its file."""

from datetime import date, datetime, timezone

import pytest

from fairihub_core.findings import Finding
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import FileReport, Rival, Snapshot
from fairihub_core.teams import Member, Team, TeamDirectory
from fairihub_portal.team import TeamPage, team_page

TODAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
ADA = Member(login="ada", role="admin")
BOB = Member(login="bob", rights=frozenset({"notebooks"}), expires=date(2026, 4, 30))
REPORT = FileReport(
    path="uc1.yaml",
    team="uc1",
    source="teams",
    revision="abc",
    lines={"ada": 8, "bob": 9, "old-cleo": 10, "allowedLogins": 7},
)
ERROR = Finding(line=14, severity="error", code="bad-memory", message="no number")


def page(*members: Member, files: tuple[FileReport, ...] = (REPORT,), **team: object) -> TeamPage:
    uc1 = Team(name="uc1", namespace="uc1", members=members, **team)
    snapshot = Snapshot(number=1, taken=NOON, directory=TeamDirectory(teams=(uc1,)), files=files)
    found = (
        Mismatch(team="uc1", login="bob", expected="1", found="2"),
        Mismatch(team="uc2", login="bob", expected="1", found="2"),
    )
    written = {"cleo": "old-cleo"}
    return team_page(uc1, snapshot, TODAY, found, lambda name: written.get(name, name))


def test_members_are_told_with_their_rights_their_end_and_their_line():
    rows = [(m.login, m.role, m.rights, m.ended, m.line) for m in page(ADA, BOB).members]
    assert rows == [
        ("ada", "admin", ("environments", "notebooks"), False, 8),
        ("bob", "user", ("notebooks",), True, 9),
    ]


def test_a_renamed_member_is_found_by_what_the_file_writes():
    (cleo,) = page(Member(login="cleo"), allow_claims=True).members
    assert (cleo.origin, cleo.line) == ("file", 10)


@pytest.mark.parametrize(("allows", "origin"), [(True, "claim"), (False, "file")])
def test_whom_the_file_does_not_list_a_claim_has_brought_where_it_may(allows, origin):
    (dan,) = page(Member(login="dan"), allow_claims=allows).members
    assert (dan.origin, dan.line) == (origin, 0)


@pytest.mark.parametrize(
    ("expires", "opened"),
    [(None, True), (date(2026, 5, 1), True), (date(2026, 4, 30), False)],
)
def test_a_closed_team_says_so(expires, opened):
    assert page(ADA, expires=expires).open == opened


def test_only_what_concerns_this_team_is_shown():
    other = FileReport(path="uc2.yaml", team="uc2", ok=False, findings=(ERROR,))
    broken = REPORT.model_copy(update={"ok": False, "findings": (ERROR,), "since": NOON})
    shown = page(ADA, files=(other, broken))
    assert [(file.path, file.in_force, file.since) for file in shown.broken] == [
        ("uc1.yaml", True, NOON)
    ]
    assert [(w.team, w.login, str(w.place)) for w in shown.wrong] == [
        ("uc1", "bob", "teams: uc1.yaml, line 9, at abc")
    ]


def test_another_file_that_defines_the_team_is_told_beside_its_own():
    taken = Finding(severity="error", code="team-taken", message="belongs to uc1.yaml already")
    second = FileReport(path="b.yaml", ok=False, findings=(taken,), rival=Rival(team="uc1"))
    other = FileReport(path="c.yaml", ok=False, findings=(taken,), rival=Rival(team="uc2"))
    shown = page(ADA, files=(REPORT, second, other))
    assert shown.broken == ()
    assert [(file.path, file.findings) for file in shown.rivals] == [("b.yaml", (taken,))]


def test_a_team_whose_file_is_gone_has_a_page():
    shown = page(ADA, files=())
    assert (shown.place, shown.source, shown.broken) == (None, "", ())
    assert shown.members[0].line == 0


def test_remarks_are_those_on_a_file_that_was_taken_in():
    joined = Finding(line=2, severity="warning", code="joined", message="joined")
    good = REPORT.model_copy(update={"findings": (joined,)})
    assert page(ADA, files=(good,)).remarks == (joined,)
    broken = good.model_copy(update={"ok": False})
    assert page(ADA, files=(broken,)).remarks == ()
