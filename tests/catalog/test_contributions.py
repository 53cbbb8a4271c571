"""A notebook's way into the catalogue, and who may take which step."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
import time

import pytest
from nbformat.v4 import new_output

from fairihub_catalog.checks import findings_of
from fairihub_catalog.contributions import MAX_WAITING
from fairihub_catalog.reading import facts_of_notebook
from fairihub_catalog.repository import Repository
from fairihub_core.errors import Conflict, FairihubError, Missing, Refused, TooLarge, Unavailable
from tests.catalog.helpers import code, notebook, put, submission

AWS = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.fixture
def ways(catalogue):
    return catalogue.contributions


def test_submitted_published_and_found(catalogue, ways, who, places):
    sent = ways.submit(who("ada"), submission(notebook("Raw"), title="NDVI", tags=["s2"]))
    assert (sent.state, sent.author, sent.notebook_id) == ("submitted", "ada", None)
    done = ways.publish(who("cura"), sent.cid, "well done")
    assert (done.state, done.decided_by, done.note) == ("published", "cura", "well done")
    assert done.notebook_id == "uc1.mine"
    catalogue.library.scan()
    entry = catalogue.find(who("grace"), "uc1.mine").entry
    assert (entry.title, entry.tags, entry.authors) == ("NDVI", ("s2",), ("ada",))
    assert entry.source == "contribution"
    with pytest.raises(Missing):
        catalogue.find(who("bob"), "uc1.mine")
    log = ["git", "-C", str(places.catalog / "published"), "log", "--format=%an|%cn|%s|%b"]
    said = subprocess.run(log, capture_output=True, text=True, check=True).stdout
    assert said.startswith("ada|cura|Publish NDVI|well done\n\nContribution: " + sent.cid)


def test_what_curators_decide_is_told_to_the_audit_log(ways, who, audit):
    sent = [ways.submit(who("ada"), submission(notebook(), title=f"N\n{n}")) for n in range(3)]
    ways.publish(who("cura"), sent[0].cid, "")
    ways.decline(who("grace"), sent[1].cid, "no")
    ways.withdraw(who("ada"), sent[2].cid)
    with pytest.raises(Conflict):
        ways.decline(who("grace"), sent[1].cid, "twice")
    told = [(e.action, e.login, e.by, e.team) for e in audit]
    assert told == [
        ("contribution-published", "ada", "cura", "uc1"),
        ("contribution-declined", "ada", "grace", "uc1"),
    ]
    assert audit[0].detail == "uc1.mine: N\N{REPLACEMENT CHARACTER}0"


@pytest.mark.parametrize(
    ("login", "step", "error"),
    [
        ("ada", "publish", Refused),
        ("ada", "decline", Refused),
        ("enva", "publish", Missing),
        ("enva", "withdraw", Missing),
        ("bob", "get", Missing),
        ("bob", "publish", Missing),
        ("bob", "decline", Missing),
        ("cura", "withdraw", Refused),
        ("ada", "get", None),
        ("ada", "withdraw", None),
        ("cura", "get", None),
        ("cura", "publish", None),
        ("grace", "decline", None),
    ],
)
def test_who_may_do_what(ways, who, login, step, error):
    sent = ways.submit(who("ada"), submission(notebook()))
    take = getattr(ways, step)
    arguments = {"publish": ["fine"], "decline": ["no"]}.get(step, [])
    if error is None:
        take(who(login), sent.cid, *arguments)
        return
    with pytest.raises(error):
        take(who(login), sent.cid, *arguments)
    assert ways.get(who("ada"), sent.cid).state == "submitted"


def test_lists(ways, who):
    mine = ways.submit(who("ada"), submission(notebook()))
    other = ways.submit(who("grace"), submission(notebook(), team="uc2"))
    assert [c.cid for c in ways.mine(who("ada"))] == [mine.cid]
    assert [c.cid for c in ways.of_teams(who("bob"), "uc2")] == [other.cid]
    assert [c.cid for c in ways.of_teams(who("grace"), "")] == [mine.cid]
    assert ways.of_teams(who("ada"), "") == []
    with pytest.raises(Refused):
        ways.of_teams(who("ada"), "uc1")


@pytest.mark.parametrize("team", ["uc2", "old", "public", "nothing", "../uc1"])
def test_only_into_a_team_of_ones_own(ways, who, team, places):
    with pytest.raises(Refused):
        ways.submit(who("ada"), submission(notebook(), team=team))
    assert list((places.catalog / "submitted").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad-request"),
        (b"[]", "bad-request"),
        (b'{"content": {}}', "bad-request"),
        (submission({"cells": 1}), "no-notebook"),
        (submission("text"), "bad-request"),
        (submission(notebook(), team=""), "bad-request"),
        (submission(notebook(), tags=["x"] * 100), "bad-request"),
        (submission(notebook(), surprise=1), "bad-request"),
        (submission(notebook(), filename="a\0.ipynb"), "bad-request"),
        (submission(notebook(), filename="a\n.ipynb"), "bad-request"),
        (submission(notebook(), filename="a/.."), "bad-request"),
        (submission(notebook(), filename="a\u202eb.ipynb"), "bad-request"),
        (submission(notebook(cells=[code("x" * 21 * 2**20)])), "too-large"),
    ],
)
def test_bad_submissions_leave_nothing_behind(ways, who, body, code, places):
    with pytest.raises(FairihubError) as caught:
        ways.submit(who("ada"), body)
    assert caught.value.code == code
    assert list((places.catalog / "submitted").iterdir()) == []


@pytest.mark.parametrize("given", ["../../x.ipynb", "/etc/x.ipynb", "C:\\work\\x.ipynb", "x.ipynb"])
def test_a_contribution_keeps_the_name_of_its_file_without_folders(ways, who, given):
    sent = ways.submit(who("ada"), submission(notebook(), filename=given))
    assert (sent.filename, sent.tags) == ("x.ipynb", ())


def test_two_curators_at_once(ways, who):
    sent = ways.submit(who("ada"), submission(notebook()))
    outcomes = []
    together = threading.Barrier(2)

    def decide(take):
        together.wait()
        try:
            outcomes.append(take().state)
        except Conflict as error:
            outcomes.append(error.code)

    takes = (
        lambda: ways.publish(who("cura"), sent.cid, ""),
        lambda: ways.decline(who("grace"), sent.cid, "no"),
    )
    threads = [threading.Thread(target=decide, args=[t]) for t in takes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "already-decided" in outcomes
    assert len(set(outcomes)) == 2


def test_a_curator_may_publish_their_own_and_it_is_recorded(ways, who):
    sent = ways.submit(who("cura"), submission(notebook()))
    done = ways.publish(who("cura"), sent.cid, "")
    assert (done.author, done.decided_by) == ("cura", "cura")


def test_another_notebook_of_that_name_is_never_replaced(catalogue, ways, who, places):
    put(places.library("uc1") / "mine.ipynb", notebook("The library's"))
    catalogue.library.scan()
    published = []
    for login in ("ada", "ada", "grace"):
        sent = ways.submit(who(login), submission(notebook(f"By {login}")))
        assert "name-taken" in [f.code for f in sent.findings]
        published.append(ways.publish(who("cura"), sent.cid, "").notebook_id)
    assert published == ["uc1.mine-2", "uc1.mine-3", "uc1.mine-4"]


def test_a_new_version_of_ones_own_keeps_its_id(catalogue, ways, who):
    first = ways.submit(who("ada"), submission(notebook("One", id="ndvi")))
    assert ways.publish(who("cura"), first.cid, "").notebook_id == "uc1.ndvi"
    second = ways.submit(who("ada"), submission(notebook("Two", id="ndvi"), title="Two"))
    assert [f.code for f in second.findings][-1] == "new-version"
    assert ways.publish(who("cura"), second.cid, "").notebook_id == "uc1.ndvi"
    other = ways.submit(who("grace"), submission(notebook("Three", id="ndvi")))
    assert ways.publish(who("cura"), other.cid, "").notebook_id == "uc1.ndvi-2"
    copied = notebook("Four")
    copied.metadata["fairihub"] = {"id": "uc1.ndvi", "version": "x"}
    fourth = ways.submit(who("ada"), submission(copied))
    assert ways.publish(who("cura"), fourth.cid, "").notebook_id == "uc1.ndvi"


def test_a_publication_that_broke_off_is_completed(ways, who, monkeypatch):
    sent = ways.submit(who("ada"), submission(notebook()))
    decide = ways._store.decide
    monkeypatch.setattr(ways._store, "decide", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ways.publish(who("cura"), sent.cid, "")
    monkeypatch.setattr(ways._store, "decide", decide)
    assert ways.publish(who("cura"), sent.cid, "").notebook_id == "uc1.mine"


def test_too_many_waiting(ways, who):
    for _ in range(MAX_WAITING):
        ways.submit(who("ada"), submission(notebook()))
    with pytest.raises(Conflict, match="wait for a decision"):
        ways.submit(who("ada"), submission(notebook()))
    ways.submit(who("grace"), submission(notebook()))


def test_without_git_everything_but_publishing_works(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    repository = Repository(tmp_path / "published")
    assert "git is not installed" in caplog.text
    with pytest.raises(Unavailable, match="needs git"):
        repository.publish("uc1", "a", b"{}", author="ada", committer="c", message="m")


def test_hooks_and_configuration_of_others_play_no_part(ways, who, places, tmp_path, monkeypatch):
    config = tmp_path / "gitconfig"
    config.write_text("[core]\n\thooksPath = /nonexistent\n[commit]\n\tgpgSign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    hook = places.catalog / "published/.git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    hook.chmod(0o755)
    sent = ways.submit(who("ada"), submission(notebook(), title="--upload-pack=x\n-F y"))
    assert ways.publish(who("cura"), sent.cid, "-x").state == "published"
    assert not os.path.exists(tmp_path / "ran")


@pytest.mark.parametrize(
    ("source", "output", "codes"),
    [
        ("1 + 1", "2", []),
        (f"key = '{AWS}'", "", ["secret-in-source"]),
        ("import os", f"{{'AWS_ACCESS_KEY_ID': '{AWS}'}}", ["secret-in-output"]),
        ("password = 'correct-horse-battery'", "", ["secret-in-source"]),
        ("password = os.environ['PASSWORD']", "", []),
        ("password = getpass()", "", []),
        ("u = 'postgres://me:sesame@host/db'", "", ["secret-in-source"]),
        ("", "-----BEGIN RSA PRIVATE KEY-----\nMII", ["secret-in-output"]),
        ("h = {'Authorization': 'Bearer abcdefghijklmnop'}", "", ["secret-in-source"]),
        ("x" * 3_990 + f" {AWS} ", "", ["secret-in-source"]),
    ],
)
def test_what_looks_like_a_secret_is_found_and_never_quoted(source, output, codes):
    cell = code(source, new_output("stream", text=output)) if output else code(source)
    made = notebook(cells=[cell])
    found = findings_of(made, facts_of_notebook(made, "a.ipynb", b""))
    assert sorted({f.code for f in found if f.severity == "warning"}) == codes
    assert AWS not in str(found)
    assert "sesame" not in str(found)


@pytest.mark.timeout(90)
def test_checking_a_hostile_line_takes_no_time():
    made = notebook(cells=[code("password" * 500_000), code("://" + "a:" * 500_000)])
    facts = facts_of_notebook(made, "a.ipynb", b"")
    began = time.process_time()
    findings_of(made, facts)
    assert time.process_time() - began < 10


def test_an_upload_that_is_too_large_for_a_notebook(ways, who):
    with pytest.raises(TooLarge):
        ways.submit(who("ada"), submission(notebook(cells=[code("y" * 30 * 2**20)])))


def test_the_published_file_says_who_and_what(ways, who, places):
    sent = ways.submit(who("ada"), submission(notebook("T", license="CC-BY-4.0"), title="Better"))
    ways.publish(who("cura"), sent.cid, "")
    raw = json.loads((places.catalog / "published/uc1/mine.ipynb").read_text())
    assert raw["metadata"]["properties"]["name"] == "Better"
    assert raw["metadata"]["properties"]["license"] == "CC-BY-4.0"
    assert raw["metadata"]["properties"]["id"] == "mine"


def test_every_version_of_a_published_notebook_can_be_had_again(catalogue, ways, who, places):
    served = []
    for title in ("One", "Two\r\n"):
        sent = ways.submit(who("ada"), submission(notebook(title, id="ndvi"), title=title.strip()))
        ways.publish(who("cura"), sent.cid, "")
        catalogue.library.scan()
        served.append(catalogue.at_version(catalogue.find(who("ada"), "uc1.ndvi"), ""))
    (first, one), (second, two) = served
    found = catalogue.find(who("ada"), "uc1.ndvi")
    assert (len(one), len(two), one != two) == (40, 40, True)
    assert catalogue.at_version(found, one) == catalogue.at_version(found, one[:7]) == (first, one)
    assert catalogue.at_version(found, two) == (second, two)
    now = hashlib.sha256(second).hexdigest()
    assert catalogue.at_version(found, now) == (second, two)
    (places.catalog / "published/uc1/ndvi.ipynb").write_bytes(first + b"\n")
    assert len(catalogue.at_version(found, "")[1]) == 64  # nobody published that


@pytest.mark.parametrize(
    "version",
    ["0" * 40, "HEAD", "main", "--all", "-x", "HEAD~1", "{other}", "{tree}", "{blob}", "a:b",
     "x" * 99, "../../cookie_secret", "{hashed}"],
)  # fmt: skip
def test_only_versions_of_that_very_notebook_are_read(catalogue, ways, who, places, version):
    for slug in ("ndvi", "other"):
        sent = ways.submit(who("ada"), submission(notebook(slug, id=slug)))
        ways.publish(who("cura"), sent.cid, "")
    catalogue.library.scan()
    git = ["git", "-C", str(places.catalog / "published"), "rev-parse"]
    ask = ["HEAD", "HEAD^{tree}", "HEAD:uc1/other.ipynb"]
    said = [subprocess.run([*git, a], capture_output=True, text=True).stdout.strip() for a in ask]
    first = hashlib.sha256(catalogue.content(catalogue.find(who("ada"), "uc1.other"))).hexdigest()
    asked = version.format(other=said[0], tree=said[1], blob=said[2], hashed=first)
    with pytest.raises(Missing) as refused:
        catalogue.at_version(catalogue.find(who("ada"), "uc1.ndvi"), asked)
    assert refused.value.code == "no-such-version"
