"""The pages of runs: what a person reads, that markup stays text, and what is said of nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fairihub_core.parameters import Parameter
from fairihub_core.service_page import Brand
from fairihub_headless.models import Failure, Limits, Run, RunState
from fairihub_headless.processes.echo import ECHO_PROCESS
from fairihub_headless.processes.execute_notebook import execute_notebook
from fairihub_headless.settings import Rules
from fairihub_headless.store.listing import Filter, Page, Position
from fairihub_headless.web import pages, views
from fairihub_headless.web.answers import FileEntry, FileList
from fairihub_headless.web.asked import ListQuery, list_query, written

BASE = "http://hub.example/services/headless/"
BRAND = Brand("Orchard", "#0b7261", "Our Notebooks", "/")
PREFIX = "/services/headless/"
BEGAN = datetime(2026, 11, 21, 6, 45, 12, 345678, tzinfo=timezone.utc)
RULES = Rules(30, 7)
EVIL = "<script>alert(1)</script>"


def run_of(state: str = "running", **more: Any) -> Run:
    given: dict[str, Any] = {
        "id": "4f1c",
        "owner": "ada",
        "team": "uc4",
        "profile": "uc4.small",
        "notebook": "work.ipynb",
        "digest": "0",
        "state": RunState(state),
        "created": BEGAN,
        "updated": BEGAN,
        "limits": Limits(mem_limit=3 * 2**30, cpu_limit=1.0),
        **more,
    }
    return Run(**given)


def listed(
    *runs: Run,
    total: int | None = None,
    chosen: tuple[RunState, ...] = (),
    team: str | None = None,
    lists: tuple[str, ...] = (),
) -> str:
    asked = ListQuery(meant=Filter(states=chosen), team=team)
    older = None if total is None else Position(BEGAN, 7)
    page = Page(list(runs), total or len(runs), None, older)
    jobs = views.job_list(page, BASE, asked, "ada", RULES)
    return pages.runs(jobs, pages.Shown(asked, team not in lists, lists), BASE, BRAND)


def shown(run: Run, left: pages.Left | None = None, login: str = "ada") -> str:
    own = run.owner == login
    status = views.status_info(run, BASE, own=own, rules=RULES)
    return pages.run(status, left or pages.Left(), "token", BASE, own=own)


def test_who_has_no_runs_learns_how_to_start_one() -> None:
    page = listed()
    assert "No runs yet" in page
    assert f"curl -i {BASE}processes/execute-notebook/execution" in page
    assert 'href="/hub/token"' in page


def test_no_run_in_a_state_is_not_no_run_at_all() -> None:
    page = listed(chosen=(RunState.failed,))
    assert "No runs yet" not in page
    assert "Show all your runs" in page


def test_the_list_says_what_when_how_far_and_for_whom() -> None:
    page = listed(run_of(cell=3, cells=4))
    for words in (
        "work.ipynb",
        "2026-11-21 06:45 UTC",
        "75 %",
        "uc4.small",
        ">running<",
        "1 of 1 run",
    ):
        assert words in page, words
    for raw in ("jobID", "numberMatched", "345678<", "mem_limit"):
        assert raw not in page, raw


def test_only_who_looks_after_a_team_can_switch_to_its_runs() -> None:
    assert "Whose runs" not in listed(run_of())
    own = listed(run_of(), lists=("uc4", "*"))
    assert '<a href="http://hub.example/services/headless/jobs" aria-current="true">My runs' in own
    assert f'href="{BASE}jobs?team=uc4">Runs of team uc4' in own
    assert f'href="{BASE}jobs?team=%2A">Runs of all teams' in own
    assert "Cancel…" not in own


def test_a_list_of_a_team_says_whose_each_run_is_and_offers_to_end_it() -> None:
    ended = run_of("failed", id="e4d", owner="dan", notebook="ended.ipynb")
    page = listed(run_of(owner="bob"), ended, team="uc4", lists=("uc4",), chosen=(RunState.failed,))
    assert "<h1>Runs of team uc4</h1>" in page
    for words in ("<bdi>bob</bdi> ·", "<bdi>dan</bdi> ·", f'href="{BASE}jobs/4f1c/cancel"'):
        assert words in page, words
    assert f'href="{BASE}jobs/e4d/cancel"' not in page
    assert f'href="{BASE}jobs?status=running&amp;team=uc4"' in page
    assert f'href="{BASE}jobs?team=uc4" aria-current="true">Runs of team uc4' in page


def test_a_team_without_runs_is_not_told_how_to_start_one() -> None:
    page = listed(team="uc4", lists=("uc4",))
    assert "There are no such runs yet" in page
    assert "curl" not in page
    stands = listed(team="uc4", lists=("uc4",), chosen=(RunState.failed,))
    assert "None of these runs is so" in stands
    assert f'<a href="{BASE}jobs?team=uc4">Show all</a>' in stands


@pytest.mark.parametrize(
    ("team", "owner", "title"),
    [
        ("uc4", None, "Runs of team uc4"),
        ("*", None, "Runs of all teams"),
        (None, "bob", "Runs of bob"),
        ("uc4", "bob", "Runs of bob in team uc4"),
        ("*", "bob", "Runs of bob"),
    ],
)
def test_the_title_says_what_is_listed(team: str | None, owner: str | None, title: str) -> None:
    assert pages.Shown(ListQuery(team=team, owner=owner), own=False).title == title


def test_the_ways_to_more_runs_keep_what_was_asked_for() -> None:
    asked = list_query({"limit": ["10"], "offset": ["10"], "status": ["failed"], "team": ["a&b"],
                      "owner": ["bob"], "q": ["ä b"]})  # fmt: skip
    newer, older = Position(BEGAN, 20, before=True), Position(BEGAN, 11)
    jobs = views.job_list(Page([], 30, newer, older), BASE, asked, "ada", RULES)
    query = "status=failed&team=a%26b&owner=bob&q=%C3%A4+b"
    cursors = [f"cursor={written(asked.order, place)}" for place in (older, newer)]
    assert [link.href.partition("?")[2] for link in jobs.links] == [
        f"limit=10&offset=10&{query}", *(f"limit=10&{cursor}&{query}" for cursor in cursors),
    ]  # fmt: skip


def test_the_run_of_another_shows_how_it_stands_and_not_what_it_left() -> None:
    run = run_of("successful", owner="bob", started=BEGAN, finished=BEGAN)
    page = shown(run)
    assert "<dt>Owner</dt><dd><bdi>bob</bdi></dd>" in page
    assert f'href="{BASE}jobs/4f1c/logs"' in page
    rels = {link.rel for link in views.status_info(run, BASE, own=False, rules=RULES).links}
    assert rels == {"self", "related"}
    status = views.status_info(run, BASE, own=False, rules=RULES)
    asked = pages.cancel(status, "x", BASE, own=False)
    assert "Cancel this run of bob?" in asked
    assert "bob reads that you cancelled it" in asked
    assert "<dt>Owner</dt>" not in shown(run_of())


def test_more_runs_than_fit_are_a_link_away() -> None:
    page = listed(run_of(), total=80)
    assert "Older runs" in page
    assert "Newer runs" not in page


@pytest.mark.parametrize(
    ("state", "word", "can_be_cancelled"),
    [
        ("accepted", "waiting", True),
        ("running", "running", True),
        ("successful", "succeeded", False),
        ("failed", "failed", False),
        ("dismissed", "cancelled", False),
    ],
)
def test_a_run_can_be_cancelled_until_it_ends(
    state: str, word: str, can_be_cancelled: bool
) -> None:
    page = shown(run_of(state))
    assert f">{word}<" in page
    assert (f'href="{BASE}jobs/4f1c/cancel"' in page) is can_be_cancelled


def test_a_run_shows_what_went_in_and_what_came_out() -> None:
    entry = FileEntry(name="results/a.csv", size=1536, type="text/csv", href=f"{BASE}a")
    run = run_of(
        "successful",
        parameters={"station": "Graz", "years": [2020, 2021]},
        started=BEGAN,
        finished=BEGAN + timedelta(seconds=125),
    )
    page = shown(run, pages.Left([entry], {"mean": 8.5}))
    for words in ("Graz", "2021", "mean", "8.5", "results/a.csv", "1.5 KiB", "3 GiB",
                  "after 2 min 5 s", f'href="{BASE}jobs/4f1c/logs"'):  # fmt: skip
        assert words in page, words


def test_a_failure_is_told() -> None:
    failure = Failure(code="cell-failed", message="Cell 2 failed.", cell=2, cells=5, error="E: no")
    page = shown(run_of("failed", failure=failure))
    assert "Cell 2 of 5" in page
    assert "E: no" in page


def test_markup_is_text_and_links_lead_only_to_us() -> None:
    evil = run_of(
        "failed",
        notebook=EVIL,
        title=EVIL,
        parameters={EVIL: EVIL},
        message=EVIL,
        failure=Failure(code="x", message=EVIL, error=EVIL, traceback=EVIL),
    )
    entries = [FileEntry(name=EVIL, size=1, type="x", href="h")]
    left = pages.Left(entries, {EVIL: {"href": EVIL}})
    listing = FileList(
        files=entries, numberMatched=1, numberReturned=1, left_out=[EVIL], left_out_count=1,
        links=[],
    )  # fmt: skip
    brought = {
        "scraps": {"l": {"href": "javascript:x", "title": EVIL}},
        "displays": {EVIL: {"text/html": EVIL, "text/plain": EVIL}},
    }
    status = views.status_info(evil, BASE, own=True, rules=RULES)
    declared = [Parameter(name="x", type=EVIL, help=EVIL, default=EVIL, computed=True)]
    for content in (
        listed(evil),
        shown(evil, left),
        pages.results(brought, "4f1c", BASE),
        pages.files(listing, "4f1c", BASE),
        pages.cancel(status, '">' + EVIL, BASE, own=False),
        listed(evil, team=EVIL, lists=(EVIL,)),
        pages.problem(EVIL, {"detail": EVIL, "code": EVIL}, BASE),
        pages.anything(EVIL, {EVIL: EVIL}, BASE),
        pages.repeat(status, pages.Typed(EVIL, EVIL), (EVIL, ""), declared, "x", BASE, EVIL),
        pages.headed(b"<title>x</title></head><body>", status).decode(),
    ):
        page = pages.page(BRAND, EVIL, content, PREFIX, EVIL)
        assert EVIL not in page
        assert page.count("<script") == 1, "our own, whose hash the policy has"
        assert 'href="javascript' not in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (48.4, "48 s"), (125, "2 min 5 s"), (12_000, "3 h 20 min"), (-3, "0 s")],
)
def test_lasted(seconds: float, words: str) -> None:
    ended = BEGAN + timedelta(seconds=seconds)
    assert pages.lasted(BEGAN.isoformat(), ended.isoformat()) == words


def test_moments_are_in_one_zone() -> None:
    assert pages.moment("2026-11-21T08:45:59.123456+02:00") == "2026-11-21 06:45 UTC"


def test_what_a_run_can_be_given_is_told() -> None:
    process = execute_notebook((), 24)
    page = pages.process(views.process_description(process, BASE), process.example, BASE, BRAND)
    assert page.count(">required<") == 1
    assert "integer: 0 to 5; 0 if not given" in page
    assert "boolean: false" in page
    assert "<code>{job_name}</code> in it" in page
    assert "Prefer: wait=30" in page
    echo = pages.process(
        views.process_description(ECHO_PROCESS, BASE), ECHO_PROCESS.example, BASE, BRAND
    )
    assert "curl -i http://hub.example/services/headless/processes/echo/execution" in echo
    assert "{&#34;inputs&#34;: {&#34;message&#34;: &#34;Hello&#34;" in echo
    assert "string or number" in page


def test_a_run_that_goes_on_is_followed_by_a_script_that_the_policy_allows() -> None:
    tail = pages.Tail("one\n<b>two</b>\n", 15)
    status = views.status_info(run_of(cell=1, cells=4), BASE, own=True, rules=RULES)
    content = pages.run(status, pages.Left(), "x", BASE, own=True, tail=tail)
    page = pages.page(BRAND, "A run", content, PREFIX, "ada")
    scripts = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in pages.policy(BRAND)
    assert len(scripts) == 2
    assert f'data-url="{BASE}jobs/4f1c/events?_xsrf=x" data-position="15"' in page
    assert "&lt;b&gt;two&lt;/b&gt;" in page
    assert "1 of 4 cells" in page
    assert "unsafe-inline" not in pages.policy(BRAND)


def test_a_run_that_has_ended_needs_no_script() -> None:
    ended = shown(run_of("successful"))
    assert "<script" not in ended
    assert "has printed nothing" not in ended


def test_only_the_end_of_a_long_log_is_shown() -> None:
    status = views.status_info(run_of("successful"), BASE, own=True, rules=RULES)
    page = pages.run(
        status, pages.Left(), "x", BASE, own=True, tail=pages.Tail("end\n", 9000, whole=False)
    )
    assert f'This is its end. <a href="{BASE}jobs/4f1c/logs">' in page


def test_a_search_keeps_what_was_asked_for_before() -> None:
    query = {"q": ['"grün"'], "status": ["failed"], "team": ["uc4"], "sort": ["duration"],
             "datetime": ["2026-01-01/2026-02-01"], "pinned": ["true"]}  # fmt: skip
    asked = list_query(query)
    jobs = views.job_list(Page([run_of()], 1, None, None), BASE, asked, "ada", RULES)
    page = pages.runs(jobs, pages.Shown(asked, own=False, lists=("uc4",)), BASE, BRAND)
    for words in (
        'name="q" type="search" maxlength="200" dir="auto" value="&#34;grün&#34;"',
        '<input type="hidden" name="status" value="failed">',
        '<input type="hidden" name="team" value="uc4">',
        '<option value="duration" selected>shortest first</option>',
        '<option value="2026-01-01/2026-02-01" selected>',
        'name="pinned" value="true" checked',
    ):
        assert words in page, words
    assert 'type="hidden" name="q"' not in page
    address = f"{BASE}jobs?team=uc4&amp;sort=duration"
    assert f'href="{address}" aria-current="true">Runs of team uc4' in page


def test_nothing_found_is_not_nothing_there() -> None:
    asked = list_query({"q": ["nowhere"]})
    jobs = views.job_list(Page([], 0, None, None), BASE, asked, "ada", RULES)
    page = pages.runs(jobs, pages.Shown(asked, own=True), BASE, BRAND)
    assert "None of your runs is so." in page
    assert f'<a href="{BASE}jobs">Show all your runs</a>' in page
    assert "No runs yet" not in page


def test_long_values_are_folded() -> None:
    page = shown(run_of(parameters={"short": "a", "long": "x" * 10_000}))
    assert page.count("<details>") == 1
    assert f"<summary>{'x' * 80}…</summary>" in page


def test_runs_of_one_notebook_are_told_apart() -> None:
    parameters = {"year": 2026, "place": "Graz", "token": "s3cret", "all": ["x" * 999]}
    page = listed(run_of(notebook="upload.ipynb", title="Soil map", parameters=parameters))
    assert "Soil map" in page
    assert "year: 2026, place: Graz, token: *****, all: " in page
    assert "x" * 99 not in page
    other = listed(run_of(owner="bob", title="Soil map"), team="uc4", lists=("uc4",))
    assert "Soil map" not in other


def test_every_choice_of_the_search_has_its_words() -> None:
    page = listed(run_of())
    assert '<option value="" selected>any time</option>' in page
    assert "></option>" not in page


def test_an_echo_has_no_profile_to_be_shown() -> None:
    echo = run_of(process="echo", notebook="", profile="")
    assert "·  ·" not in listed(echo)
    assert "Profile" not in shown(echo)


def test_a_long_error_is_told_once() -> None:
    error = "E: " + "no " * 500
    failure = Failure(code="cell-failed", message=f"Cell 2 failed: {error[:300]}", error=error)
    assert shown(run_of("failed", failure=failure)).count("no no") < 200


def test_a_report_says_of_what_it_is() -> None:
    run = run_of(
        "failed", started=BEGAN, finished=BEGAN + timedelta(seconds=48), title="Soil & map"
    )
    status = views.status_info(run, BASE, own=True, rules=RULES)
    made = b"<html><head><title>notebook</title></head><body><p>cells</p></body></html>"
    page = pages.headed(made, status).decode()
    assert "<title>Run of Soil &amp; map</title>" in page
    assert "notebook</title>" not in page
    for words in ("work.ipynb", "failed", "2026-11-21 06:45 UTC", "after 48 s", "4f1c"):
        assert words in page.partition("<p>cells</p>")[0], words
