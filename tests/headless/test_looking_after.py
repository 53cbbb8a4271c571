"""Admins see how the runs of their team stand, and end them; what a run left is its owner's."""

from __future__ import annotations

from typing import Any

import pytest

from fairihub_core.errors import Conflict, Missing, Refused
from fairihub_core.teams import Member, TeamDirectory
from fairihub_headless.errors import Gone
from fairihub_headless.models import Run, RunState
from fairihub_headless.processes.notebook_request import asked_of_notebook
from tests.headless.conftest import notebook


def without(directory: TeamDirectory, login: str, team: str, role: Any = None) -> TeamDirectory:
    """The teams as they are once `login` has left `team`, or has another role there."""
    again = (Member(login=login, role=role),) if role else ()
    teams = []
    for found in directory.teams:
        others = tuple(m for m in found.members if m.login != login)
        changed = found.model_copy(update={"members": (*others, *again)})
        teams.append(changed if found.name == team else found)
    return TeamDirectory(teams=tuple(teams), operators=directory.operators)


async def submitted(house: Any, login: str = "bob", team: str = "uc1", code: str = "1") -> Run:
    file = house.places.home(team, login) / "work.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(notebook(code))
    body = {"inputs": {"notebook": "work.ipynb", "team": team}}
    run: Run = await house.runs.submit(asked_of_notebook(body), house.caller(login))
    return run


SLOW = "import time; time.sleep(100)"


@pytest.mark.parametrize(
    ("login", "by"),
    [("ada", "ada, an admin of uc1"), ("olga", "olga, an operator of this hub")],
)
async def test_who_looks_after_the_team_ends_a_run_and_its_owner_reads_who_it_was(
    house: Any, login: str, by: str
) -> None:
    run = await submitted(house, code=SLOW)
    await house.until(run, lambda r: r.environment is not None)
    caller = house.caller(login)
    assert (await house.runs.seen(run.id, caller)).id == run.id
    with pytest.raises(Missing):
        await house.runs.own(run.id, caller)
    dismissed = await house.runs.dismiss(run.id, caller)
    assert dismissed.message == f"Cancelled by {by}."
    ended = await house.ended(run)
    assert (ended.state, ended.message) == (RunState.dismissed, dismissed.message)
    with pytest.raises(Gone):
        await house.runs.dismiss(run.id, caller)
    (entry,) = house.audit
    assert (entry.action, entry.login, entry.by, entry.team) == (
        "run-dismissed", "bob", login, "uc1",
    )  # fmt: skip
    assert entry.detail == f"{run.id}: work.ipynb"


async def test_what_one_ends_oneself_is_nobodys_business(house: Any) -> None:
    run = await submitted(house, code=SLOW)
    dismissed = await house.runs.dismiss(run.id, house.caller("bob"))
    assert dismissed.message == "Cancelled by its owner."
    assert house.audit == []


async def test_who_comes_too_late_takes_no_results_away(house: Any) -> None:
    run = await house.ended(await submitted(house, code="1"))
    assert run.state is RunState.successful
    for login, conditions in (("ada", {}), ("olga", {}), ("bob", {"ended": False})):
        with pytest.raises(Conflict) as refused:
            await house.runs.dismiss(run.id, house.caller(login), **conditions)
        assert refused.value.code == "job-ended"
    assert (await house.runs.own(run.id, house.caller("bob"))).state is RunState.successful
    assert house.audit == []
    assert (await house.runs.dismiss(run.id, house.caller("bob"))).state is RunState.dismissed


@pytest.mark.parametrize(
    ("login", "owner", "team"),
    [
        ("bob", "ada", "uc1"),  # a member who is no admin
        ("ada", "bob", "uc2"),  # an admin, of another team
        ("zoe", "bob", "uc1"),
    ],
)
async def test_a_run_of_another_does_not_exist(
    house: Any, login: str, owner: str, team: str
) -> None:
    run = await submitted(house, owner, team, SLOW)
    for ask in (house.runs.own, house.runs.seen, house.runs.dismiss):
        with pytest.raises(Missing) as refused:
            await ask(run.id, house.caller(login))
        assert refused.value.code == "no-such-job"
        assert owner not in refused.value.message
    assert house.audit == []


async def test_the_role_counts_that_an_admin_has_now(house: Any) -> None:
    run = await submitted(house, code=SLOW)
    was = house.directory
    for after in (without(was, "ada", "uc1", "user"), without(was, "ada", "uc1")):
        house.directory = after
        with pytest.raises(Missing):
            await house.runs.dismiss(run.id, house.caller("ada"))
    house.directory = without(was, "bob", "uc1", "admin")
    assert (await house.runs.seen(run.id, house.caller("ada"))).owner == "bob"


async def test_a_run_stays_with_its_team_wherever_its_owner_goes(house: Any) -> None:
    """The owner of the run has left uc1 for uc2: the run is still uc1's."""
    house.grace(60)
    run = await submitted(house, code=SLOW)
    await house.until(run, lambda r: r.environment is not None)
    house.directory = without(house.directory, "bob", "uc1")
    assert (await house.runs.seen(run.id, house.caller("ada"))).team == "uc1"
    assert (await house.runs.own(run.id, house.caller("bob"))).id == run.id


async def test_runs_of_a_member_moved_to_another_team_end_after_the_grace(house: Any) -> None:
    house.grace(3600)
    in_uc1 = [await submitted(house, code=SLOW) for _ in range(3)]
    in_uc2 = await submitted(house, team="uc2")
    await house.until(in_uc1[1], lambda r: r.environment is not None)
    house.directory = without(house.directory, "bob", "uc1")
    await house.looked()
    queued = await house.runs.own(in_uc1[2].id, house.caller("bob"))
    assert queued.state is RunState.accepted, "a run for a closed team is not started"
    house.grace(0)
    house.engine.wake()
    ended = [await house.ended(run) for run in in_uc1]
    assert {(r.state.value, r.failure.code) for r in ended} == {("failed", "no-team")}
    assert ended[2].started is None
    assert (await house.ended(in_uc2)).state is RunState.successful


async def test_an_operator_without_a_team_has_nothing_to_run_with(house: Any) -> None:
    with pytest.raises(Refused, match="None of your teams offers a profile") as refused:
        await house.runs.submit(
            asked_of_notebook({"inputs": {"notebook": "x.ipynb"}}), house.caller("olga")
        )
    assert refused.value.code == "no-profile"
