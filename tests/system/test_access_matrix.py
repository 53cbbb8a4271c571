"""The whole matrix of access, cell by cell, on a real hub."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.access.cast import CANARY, SERVER, Cast
from tests.support.access.matrix import (
    ALLOWED,
    DENIALS,
    WITHOUT_OBJECT,
    Ask,
    Group,
    Row,
    asks_of,
    read_matrix,
)
from tests.support.access.routes import PARTS, hub_settings, listed
from tests.support.running_hub import RunningHub

MATRIX = read_matrix()
ASKS = [(g, r, a) for g, r, a in asks_of(MATRIX, *PARTS) if not g.only]
STRANGERS = ("nobody", "removed", "other")
"""To them nothing of the team is shown, whatever they are answered."""


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    hub = RunningHub(tmp_path_factory.mktemp("matrix"))
    try:
        cast = Cast(hub)
        cast.come_in()
        cast.remove()
        yield cast
    finally:
        hub.close()


@pytest.fixture(scope="module")
def github_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub where people sign in with GitHub, which is not asked for anything here."""
    hub = RunningHub(tmp_path_factory.mktemp("github"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_CLIENT_ID", "of-a-test")
        patch.setenv("GITHUB_CLIENT_SECRET", "of-a-test")
        try:
            hub.start()
            yield hub
        finally:
            hub.close()


def told(answer: httpx.Response) -> str:
    """How an answer reads in the matrix."""
    if answer.is_redirect:
        leads_to = answer.headers["Location"]
        to_sign_in = "/hub/login" in leads_to or "/oauth2/authorize" in leads_to
        return "login" if to_sign_in else ALLOWED
    code = str(answer.status_code)
    return code if answer.status_code >= 500 or code in DENIALS else ALLOWED


def name_of(case: tuple[Group, Row, Ask]) -> str:
    group, row, ask = case
    return f"{group.by}-{ask.method}-{row.title}"


@pytest.mark.parametrize(("group", "row", "ask"), ASKS, ids=map(name_of, ASKS))
def test_every_cell_answers_as_the_matrix_says(
    cast: Cast, group: Group, row: Row, ask: Ask
) -> None:
    """Those who are refused ask first, while what they ask for is still there."""
    asked = [c for c in group.columns if ask.cells[c] != WITHOUT_OBJECT]
    wrong = []
    for column in sorted(asked, key=lambda column: ask.cells[column] == ALLOWED):
        answer = cast.ask(column, group.by, ask)
        if told(answer) not in DENIALS.get(ask.cells[column], (ALLOWED,)):
            wrong.append(f"{column}: {answer.status_code}, not {ask.cells[column]}: {said(answer)}")
        if (ask.cells[column] != ALLOWED or column in STRANGERS) and CANARY in answer.text:
            wrong.append(f"{column} reads what is the team's: {said(answer)}")
    assert not wrong, "\n".join([f"{ask.method} {ask.at} ({row.title}):", *wrong])


def test_the_way_to_a_provider_and_back_is_open_to_all_and_leads_nobody_in(
    github_hub: RunningHub,
) -> None:
    """Nobody is signed in there yet, so there is one kind of caller."""
    asks = [a for g, _, a in asks_of(MATRIX, "hub") if g.only == "provider"]
    assert len(asks) == 2
    for ask in asks:
        client = github_hub.client(follow_redirects=False)
        answer = client.request(ask.method, ask.at)
        assert told(answer) == ask.cells["nobody"], said(answer)
        assert client.get("/hub/home").status_code == 302


def said(answer: httpx.Response) -> str:
    location = answer.headers.get("Location", "")
    return f"{answer.status_code} {location} {' '.join(answer.text[:200].split())}"


@pytest.mark.parametrize("part", PARTS)
def test_options_tell_nobody_anything(cast: Cast, part: str, tmp_path_factory) -> None:
    """A browser asks so before a request from another site, which nothing here allows."""
    arguments = (hub_settings(tmp_path_factory.mktemp("options")),) if part == "hub" else ()
    answering = {r.name for r in listed(part, *arguments) if "OPTIONS" in r.methods}
    found = []
    for _, row, ask in asks_of(MATRIX, part):
        if row.route in answering and "broken" not in ask.cells.values():
            path = cast.filled(ask.at, "viewer")
            headers = {"Origin": "https://elsewhere.example"}
            answer = cast.scripts["nobody"].request("OPTIONS", path, headers=headers)
            # JupyterHub tells its version to everybody, and nothing else there.
            allowed = path != "/hub/api" and "Access-Control-Allow-Origin" in answer.headers
            if answer.content.strip() not in (b"", b"{}") and answer.is_success:
                found.append(f"{path}: {said(answer)}")
            if allowed:
                found.append(f"{path}: lets pages of others in")
    assert not found, "\n".join(found)


def test_the_viewers_server_was_there_to_be_asked(cast: Cast) -> None:
    """Else all its refusals would prove nothing."""
    assert SERVER in {cast.filled(a.at, "viewer")[: len(SERVER)] for g, r, a in ASKS}
