"""What stands after team files were read again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone

import pytest

from fairihub_auth.merging import FileRead, Listing, changes, merged, teams_by_file
from fairihub_core.customer import Reading, holdings_of, read_customer
from fairihub_core.findings import Finding
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import Profile, Team

BROKEN = "kind: Customer\n  metadata: ["
Customer = Callable[..., str]


NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
AWAY = Finding(severity="error", code="source-away", message="gone")
State = Mapping[str, str] | None
"""The texts of one source by path; None while it is away."""


def listing(source: str, state: State, revision: str | None = None) -> Listing:
    if state is None:
        return Listing(source, files=None, problem=AWAY)
    readings = (read_customer(text, path) for path, text in state.items())
    return Listing(source, tuple(FileRead(reading, revision) for reading in readings))


def after(*states: Mapping[str, str]) -> Snapshot:
    """The snapshot once the files were read in each of these states, one after the other."""
    return after_sources(*({"": state} for state in states))


def after_sources(*states: Mapping[str, State]) -> Snapshot:
    """The same with several sources by name; each state is an hour and a revision later."""
    snapshot = Snapshot(number=0, taken=NOW)
    for n, sources in enumerate(states):
        listings = [listing(name, state, f"r{n}") for name, state in sources.items()]
        snapshot = merged(snapshot, listings, NOW + n * timedelta(hours=1))
    return snapshot


def who(snapshot: Snapshot) -> dict[str, str]:
    return {t.name: " ".join(m.login for m in t.members) for t in snapshot.directory.teams}


def codes(snapshot: Snapshot, path: str) -> list[str]:
    return [f.code for r in snapshot.files if r.path == path for f in r.findings]


@pytest.mark.parametrize(
    ("second", "rivals"),
    [
        ("x: ada, mallory", {"b": ("x", {"ada": 12, "mallory": 14})}),
        ("y: mallory", {}),
        ("y: mallory; of x", {"b": ("y", {"mallory": 12})}),
    ],
)
def test_a_file_that_wants_what_another_has_says_what_it_would_be(
    second: str, rivals: dict[str, tuple[str, dict[str, int]]], customer: Customer
) -> None:
    described, _, of = second.partition("; of ")
    name, _, logins = described.partition(": ")
    text = customer(name, *logins.split(", "))
    text = text.replace("k8s-namespace: y", "k8s-namespace: x") if of else text
    snapshot = after({"a": customer("x", "ada"), "b": text})
    found = {r.path: (r.rival.team, dict(r.rival.lines)) for r in snapshot.files if r.rival}
    assert found == rivals
    assert [r.path for r in snapshot.rivals_of(name)] == list(rivals)


def test_a_team_that_only_lost_a_bucket_is_no_rival_of_its_own(customer: Customer) -> None:
    x, y = customer("x", "ada", bucket="data"), customer("y", "bob")
    snapshot = after({"a": x, "b": y}, {"a": x, "b": customer("y", "bob", bucket="data")})
    assert [(r.team, r.ok, r.rival) for r in snapshot.files] == [
        ("x", True, None),
        ("y", False, None),
    ]


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


def test_who_wants_what_is_taken_is_told(customer: Customer) -> None:
    snapshot = after(
        {"b": customer("x", "ada")}, {"a": customer("x", "eve"), "b": customer("x", "ada")}
    )
    assert codes(snapshot, "a") == ["team-taken", "namespace-taken"]
    assert codes(snapshot, "b") == []


def several(customer: Customer) -> dict[str, tuple[list[Mapping[str, State]], dict[str, str]]]:
    x, other, taker = customer("x", "ada"), customer("other", "bob"), customer("x", "mallory")
    more = customer("x", "ada", "cleo")
    return {
        "all sources count": (
            [{"one": {"a": x}, "two": {"a": other}}],
            {"x": "ada", "other": "bob"},
        ),
        "the first has the name": ([{"one": {"a": x}, "two": {"a": taker}}], {"x": "ada"}),
        "who has it keeps it": (
            [{"one": {}, "two": {"b": x}}, {"one": {"a": taker}, "two": {"b": x}}],
            {"x": "ada"},
        ),
        "also while the owner is away": (
            [{"one": {}, "two": {"b": x}}, {"one": {"a": taker}, "two": None}],
            {"x": "ada"},
        ),
        "a source that is away keeps its own and no others": (
            [{"one": {"a": x}, "two": {"b": other}}, {"one": None, "two": {}}],
            {"x": "ada"},
        ),
        "others may change meanwhile": (
            [{"one": {"a": other}, "two": {"b": x}}, {"one": None, "two": {"b": more}}],
            {"other": "bob", "x": "ada cleo"},
        ),
        "it counts again once it is back": (
            [{"one": {"a": x}}, {"one": None}, {"one": None}, {"one": {"a": more}}],
            {"x": "ada cleo"},
        ),
        "a source that was never there gives nothing": ([{"one": None}], {}),
        "a source that is removed removes its teams": (
            [{"one": {"a": x}, "two": {"b": other}}, {"two": {"b": other}}],
            {"other": "bob"},
        ),
        "a team may move to another source": (
            [{"one": {"a": x}, "two": {}}, {"one": {}, "two": {"a": more}}],
            {"x": "ada cleo"},
        ),
        "in two steps as well": (
            [
                {"one": {"a": x}, "two": {}},
                {"one": {"a": x}, "two": {"a": more}},
                {"one": {}, "two": {"a": more}},
            ],
            {"x": "ada cleo"},
        ),
        "the same path in two sources is two files": (
            [{"one": {"a": x}, "two": {"a": other}}, {"one": {"a": BROKEN}, "two": {"a": BROKEN}}],
            {"x": "ada", "other": "bob"},
        ),
    }


def test_what_stands_of_several_sources(customer: Customer, subtests: pytest.Subtests) -> None:
    for promise, (states, standing) in several(customer).items():
        with subtests.test(promise):
            assert who(after_sources(*states)) == standing


def test_who_takes_a_name_from_another_source_is_told_where_it_is(customer: Customer) -> None:
    x, taker = customer("x", "ada"), customer("x", "mallory")
    snapshot = after_sources({"one": {"a": x}, "two": {"a": taker}})
    (ok, refused) = snapshot.files
    assert (ok.source, ok.path, ok.team, ok.ok) == ("one", "a", "x", True)
    assert (refused.source, refused.path, refused.team) == ("two", "a", None)
    told = refused.findings[0]
    assert told.message == "The team “x” belongs to one: a already."


def test_a_source_that_is_away_says_so_once_and_since_when(customer: Customer) -> None:
    state = {"one": {"a": customer("x", "ada")}}
    good, away = after_sources(state), {"one": None}
    long_away = after_sources(state, away, away, away)
    assert long_away.files[:1] == good.files
    (told,) = long_away.files[1:]
    assert (told.path, told.source, told.ok, told.team) == ("one", "one", False, None)
    assert told.findings == (AWAY,)
    assert told.since == NOW + timedelta(hours=1)


def test_a_source_that_is_one_file_keeps_its_team_while_it_is_away(customer: Customer) -> None:
    away = {"x.yaml": None}
    snapshot = after_sources({"x.yaml": {"x.yaml": customer("x", "ada")}}, away, away)
    assert who(snapshot) == {"x": "ada"}
    assert [(r.path, r.team, r.findings) for r in snapshot.files] == [("x.yaml", "x", (AWAY,))]


def test_a_source_may_be_behind_and_still_count(customer: Customer) -> None:
    files = listing("one", {"a": customer("x", "ada")}).files
    snapshot = merged(after({}), [Listing("one", files, AWAY)], NOW)
    assert who(snapshot) == {"x": "ada"}
    assert [(r.path, r.ok) for r in snapshot.files] == [("a", True), ("one", False)]


def test_lines_and_revision_are_those_of_the_state_in_force(customer: Customer) -> None:
    """`fairihub why` must not name a line of a file that nobody goes by."""
    good, later = customer("x", "ada", "bob"), "# a line more\n" + customer("x", "ada", "bob")
    (first,) = after({"a": good}).files
    assert first.revision == "r0"
    assert first.lines["bob"] == 1 + good.splitlines().index("  - userName: bob")
    (broken,) = after({"a": good}, {"a": BROKEN}, {"a": later + BROKEN}).files
    assert (broken.revision, broken.lines) == ("r0", first.lines)
    assert broken.read == "r2", "its errors are those of the state that was read last"
    (mended,) = after({"a": good}, {"a": BROKEN}, {"a": later}).files
    assert mended.read == mended.revision
    assert (mended.revision, mended.lines["bob"]) == ("r2", first.lines["bob"] + 1)
    (never_good,) = after({"a": BROKEN}, {"a": BROKEN}).files
    assert (never_good.revision, never_good.lines) == ("r1", {})
    taken = after({"b": good, "a": BROKEN}, {"b": good, "a": customer("x", "eve")})
    assert [(r.path, r.lines.get("eve")) for r in taken.files] == [("b", None), ("a", None)]


def test_since_when_a_file_is_broken_is_kept_over_edits(customer: Customer) -> None:
    good = customer("x", "ada")
    an_hour = timedelta(hours=1)
    for states, since in (
        ([good], None),
        ([good, BROKEN], NOW + an_hour),
        ([good, BROKEN, BROKEN + "x", "kind: {"], NOW + an_hour),
        ([good, BROKEN, good], None),
        ([good, BROKEN, good, BROKEN], NOW + 3 * an_hour),
        ([BROKEN, BROKEN], NOW),
    ):
        (report,) = after(*({"a": state} for state in states)).files
        assert report.since == since


def test_of_a_thousand_findings_the_gravest_hundred_are_told(customer: Customer) -> None:
    odd = "".join(f"  odd{n}: 1\n" for n in range(1000)) + "  inventry: []\n"
    (report,) = after({"a": customer("x", "ada") + odd}).files
    assert not report.ok
    assert len(report.findings) == 101
    assert (report.findings[0].severity, report.findings[0].code) == ("error", "unknown-key")
    assert report.findings[-1].message == "More is left out: mend these first."


def test_whatever_is_wanted_every_name_has_one_owner_and_nobody_loses_theirs() -> None:
    """A thousand files by chance, edited four times."""
    chance = random.Random(4)  # noqa: S311
    for _ in range(250):
        snapshot = Snapshot(number=0, taken=NOW)
        for _ in range(4):
            before = teams_by_file(snapshot)
            files = tuple(FileRead(by_chance(chance, path)) for path in "abcd")
            snapshot = merged(snapshot, [Listing("s", files)], NOW)
            after = teams_by_file(snapshot)
            held = [holding for team in after.values() for holding in holdings_of(team)]
            assert len(held) == len(set(held))
            for file in files:
                key = ("s", file.reading.path)
                assert after.get(key) in (file.reading.team, before.get(key), None)
                assert key in after or key not in before


def by_chance(chance: random.Random, path: str) -> Reading:
    if chance.random() < 0.1:
        return Reading(path=path, findings=(AWAY,))
    bucket = chance.choice(["x", "y", None])
    profile = Profile(slug="s", display_name="S", s3_bucket_name=bucket)
    name, namespace = chance.choice("klmno"), chance.choice("pqrst")
    return Reading(path=path, team=Team(name=name, namespace=namespace, profiles=(profile,)))


def test_a_long_chain_of_disputes_is_settled_soon() -> None:
    """Everybody takes the next one's name; the last cannot, so nobody can."""
    names = [f"t{n}" for n in range(1000)]

    def state(names: list[str]) -> Listing:
        teams = (Team(name=name, namespace=name) for name in names)
        return Listing("", tuple(FileRead(Reading(path=t.name, team=t)) for t in teams))

    first = merged(after({}), [state(names)], NOW)
    files = zip(first.files, [*names[1:], "t5"], strict=True)
    moved = tuple(
        FileRead(Reading(path=report.path, team=Team(name=name, namespace=name)))
        for report, name in files
    )
    began = time.process_time()
    second = merged(first, [Listing("", moved)], NOW)
    assert time.process_time() - began < 2
    assert second.directory == first.directory
    assert not any(report.ok for report in second.files)


def test_it_survives_being_kept_as_json(customer: Customer) -> None:
    good = after({"a": customer("x", "ada")}, {"a": BROKEN})
    kept = Snapshot.model_validate_json(good.model_dump_json())
    again = merged(kept, [listing("", {"a": BROKEN}, "r9")], NOW + timedelta(days=9))
    files = tuple(report.model_copy(update={"read": "r9"}) for report in good.files)
    assert (again.directory, again.files) == (good.directory, files)


@pytest.mark.parametrize(
    ("earlier", "later", "lines"),
    [
        (None, "ada", ["a: team “uc4” is new, with 1 login and 1 profile"]),
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
    assert line.startswith("teams/uc4.yaml:2:")
    assert "Team “uc4” stays" in kept
    assert list(changes(broken, whole)) == [(False, "teams/uc4.yaml: in order again")]


def test_the_log_names_the_source_and_says_when_it_is_back(customer: Customer) -> None:
    state = {"central": {"teams/x.yaml": customer("x", "ada")}}
    whole, away = after_sources(state), after_sources(state, {"central": None})
    assert next(iter(changes(after({}), whole)))[1].startswith("central: teams/x.yaml: team “x” is")
    assert list(changes(whole, away)) == [(True, "central: error: gone [source-away]")]
    assert list(changes(away, whole)) == [(False, "central: in order again")]
