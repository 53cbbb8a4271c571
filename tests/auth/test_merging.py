"""What stands after team files were read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

import pytest

from fairihub_auth.merging import changes, merged, unlisted
from fairihub_core.customer import read_customer
from fairihub_core.findings import Finding
from fairihub_core.snapshot import Snapshot

BROKEN = "kind: Customer\n  metadata: ["
Customer = Callable[..., str]


def after(*states: Mapping[str, str]) -> Snapshot:
    """The snapshot once the files were read in each of these states, one after the other."""
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    snapshot = Snapshot(number=0, taken=now)
    for state in states:
        readings = [read_customer(text, path) for path, text in state.items()]
        directory, files = merged(snapshot, readings)
        snapshot = Snapshot(number=snapshot.number + 1, taken=now, directory=directory, files=files)
    return snapshot


def who(snapshot: Snapshot) -> dict[str, str]:
    return {t.name: " ".join(m.login for m in t.members) for t in snapshot.directory.teams}


def codes(snapshot: Snapshot, path: str) -> list[str]:
    return [f.code for r in snapshot.files if r.path == path for f in r.findings]


def table(customer: Customer) -> dict[str, tuple[list[dict[str, str]], dict[str, str]]]:
    uc4, more, fewer = customer("uc4", "ada"), customer("uc4", "ada", "bob"), customer("uc4", "bob")
    x, other = customer("x", "ada"), customer("other", "bob")
    taker = customer("x", "mallory")
    return {
        "a new file is a new team": (
            [{"a": x}, {"a": x, "b": other}],
            {"x": "ada", "other": "bob"},
        ),
        "an edit counts": ([{"a": uc4}, {"a": more}], {"uc4": "ada bob"}),
        "a removed login is removed": ([{"a": more}, {"a": fewer}], {"uc4": "bob"}),
        "a removed file removes the team": ([{"a": x, "b": other}, {"b": other}], {"other": "bob"}),
        "a broken file keeps the last good": ([{"a": more}, {"a": BROKEN}], {"uc4": "ada bob"}),
        "however long": ([{"a": more}, {"a": BROKEN}, {"a": BROKEN}], {"uc4": "ada bob"}),
        "until it is good": ([{"a": more}, {"a": BROKEN}, {"a": fewer}], {"uc4": "bob"}),
        "or removed": ([{"a": more}, {"a": BROKEN}, {}], {}),
        "an empty file is broken": ([{"a": uc4}, {"a": ""}], {"uc4": "ada"}),
        "a broken new file gives nothing": ([{"a": BROKEN}], {}),
        "a broken file stops no other": ([{"a": BROKEN}, {"a": BROKEN, "b": x}], {"x": "ada"}),
        "of two new the first has the name": ([{"a": x, "b": taker}], {"x": "ada"}),
        "a newcomer takes no name": ([{"b": x}, {"a": taker, "b": x}], {"x": "ada"}),
        "nor while the owner is broken": ([{"b": x}, {"a": taker, "b": BROKEN}], {"x": "ada"}),
        "nor while the owner is edited": (
            [{"b": x}, {"a": taker, "b": customer("x", "ada", "bob")}],
            {"x": "ada bob"},
        ),
        "an edit takes no name": (
            [{"a": other, "b": x}, {"a": taker, "b": x}],
            {"other": "bob", "x": "ada"},
        ),
        "what is let go may be taken": (
            [{"b": x}, {"a": taker, "b": other}],
            {"x": "mallory", "other": "bob"},
        ),
        "names may be swapped": (
            [{"a": x, "b": other}, {"a": customer("other", "ada"), "b": customer("x", "bob")}],
            {"other": "ada", "x": "bob"},
        ),
        "who must step back gets the old name again": (
            [
                {"b": x, "c": other},
                {"a": taker, "b": customer("other", "ada"), "c": BROKEN},
            ],
            {"x": "ada", "other": "bob"},
        ),
        "a bucket stays with its team": (
            [
                {"b": customer("x", "ada", bucket="data")},
                {
                    "a": customer("y", "mallory", bucket="data"),
                    "b": customer("x", "ada", bucket="data"),
                },
            ],
            {"x": "ada"},
        ),
        "a file of another kind is no team": (
            [{"a": x}, {"a": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"}],
            {},
        ),
    }


def test_what_stands(customer: Customer, subtests: pytest.Subtests) -> None:
    for promise, (states, standing) in table(customer).items():
        with subtests.test(promise):
            assert who(after(*states)) == standing


def test_a_broken_file_says_so_and_that_the_team_stays(customer: Customer) -> None:
    snapshot = after({"a": customer("uc4", "ada")}, {"a": BROKEN})
    (report,) = snapshot.files
    assert not report.ok
    assert report.team == "uc4"
    assert report.findings[0].line
    assert report.findings[-1].code == "last-good-kept"


def test_who_claims_what_is_taken_is_told(customer: Customer) -> None:
    snapshot = after(
        {"b": customer("x", "ada")}, {"a": customer("x", "eve"), "b": customer("x", "ada")}
    )
    assert codes(snapshot, "a") == ["team-taken", "namespace-taken"]
    assert codes(snapshot, "b") == []


def test_a_source_that_cannot_be_listed_takes_no_team(customer: Customer) -> None:
    good = after({"teams": customer("uc4", "ada")})
    problem = Finding(severity="error", code="teams-unreadable", message="gone")
    files = unlisted(unlisted(good.files, "teams", problem), "teams", problem)
    assert [(f.path, f.team, f.ok, len(f.findings)) for f in files] == [("teams", "uc4", False, 1)]
    assert [f.path for f in unlisted(good.files, "folder", problem)] == ["teams", "folder"]


@pytest.mark.parametrize(
    ("earlier", "later", "lines"),
    [
        (None, "ada", ["a: team “uc4” is new, with 1 logins and 1 profiles"]),
        ("ada bob", "ada eve", ["a: team “uc4” lets in eve; lists no more bob"]),
        ("ada", None, ["! a: team “uc4” is gone"]),
        ("ada", "ada", []),
    ],
)
def test_changes_in_lines(
    earlier: str | None, later: str | None, lines: list[str], customer: Customer
) -> None:
    states = [{"a": customer("uc4", *who.split())} if who else {} for who in (earlier, later)]
    told = changes(after(states[0]), after(*states))
    assert [f"{'! ' if attention else ''}{line}" for attention, line in told] == lines


def test_the_log_names_file_and_line_of_a_break_and_says_when_it_is_mended(
    customer: Customer,
) -> None:
    good = {"teams/uc4.yaml": customer("uc4", "ada")}
    whole, broken = after(good), after(good, {"teams/uc4.yaml": BROKEN})
    (attention, line), (_, kept) = changes(whole, broken)
    assert attention
    assert line.startswith("teams/uc4.yaml:2: error ")
    assert "Team “uc4” stays" in kept
    assert list(changes(broken, whole)) == [(False, "teams/uc4.yaml: in order again")]
