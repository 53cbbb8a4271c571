"""A run that is followed over connections that break, and where no events come through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from fairihub_headless.client import CellDone, Output, RunsClient, RunsError, State, StatusChanged
from tests.support.shaky_proxy import ShakyProxy

PRINTING = (
    "import time\n"
    "for n in range(60):\n"
    "    print(n, 'ä' * (n % 7), flush=True)\n"
    "    time.sleep(0.05)\n"
)


@pytest.fixture
def between(hub) -> Iterator[ShakyProxy]:
    """A proxy before the hub that can lose the streams of events."""
    port = urlsplit(hub.url).port
    with ShakyProxy(port, lambda request: b"/events " in request).running() as proxy:
        yield proxy


@pytest.fixture
def runs(hub, between) -> Iterator[RunsClient]:
    with RunsClient(between.address, hub.token("ada"), patience=20) as client:
        yield client


def told(events) -> tuple[str, list[State], list[tuple[int, int]]]:
    """The output, the states and the cells that some events tell of."""
    seen = list(events)
    return (
        "".join(e.text for e in seen if isinstance(e, Output)),
        [e.job.status for e in seen if isinstance(e, StatusChanged)],
        [(e.done, e.cells) for e in seen if isinstance(e, CellDone)],
    )


def test_a_lost_connection_costs_nothing_and_repeats_nothing(hub, between, runs, notebook):
    hub.put("uc1", "ada", notebook(PRINTING, "1"), "printing.ipynb")
    job = runs.run("printing.ipynb")
    over = threading.Event()

    def storm() -> None:
        while not over.wait(0.3):
            between.lose()

    threading.Thread(target=storm, daemon=True).start()
    output, states, cells = told(job.follow(90))
    over.set()
    assert between.lost > 2
    assert output == job.logs()
    assert [line for line in output.splitlines() if line.startswith("59 ")]
    assert states[-1] is State.successful
    assert len(set(cells)) == len(cells)


def test_where_no_events_come_through_it_asks(hub, between, runs, notebook, monkeypatch):
    monkeypatch.setattr("fairihub_headless.client.following._FIRST_SILENCE", 0.5)
    between.holds = True
    hub.put("uc1", "ada", notebook(PRINTING, "1"), "printing.ipynb")
    job = runs.run("printing.ipynb")
    output, states, cells = told(job.follow(90))
    assert output == job.logs()
    assert states[-1] is State.successful
    assert cells[-1][0] == cells[-1][1]


def test_it_waits_no_longer_than_it_should(hub, runs, notebook):
    hub.put("uc1", "ada", notebook("import time; time.sleep(100)"), "long.ipynb")
    job = runs.run("long.ipynb")
    with pytest.raises(RunsError) as late:
        job.wait(2)
    assert late.value.code == "not-ended"
    job.cancel()
    assert job.wait(10).status is State.dismissed


def test_a_run_that_has_ended_is_told_whole(hub, runs, notebook):
    hub.put("uc1", "ada", notebook("print('once')"), "once.ipynb")
    job = runs.run("once.ipynb")
    job.wait(60)
    output, states, _ = told(runs.job(job.id).follow())
    assert "once" in output
    assert states == [State.successful]


def test_it_follows_over_a_restart_of_the_service(hub, runs, notebook):
    hub.put("uc1", "ada", notebook("import time; print('begun'); time.sleep(100)"), "long.ipynb")
    job = runs.run("long.ipynb")
    states = []
    for event in job.follow(120):
        if isinstance(event, Output) and "begun" in event.text:
            hub.kill_service()
            threading.Timer(1, hub.start_service).start()
        if isinstance(event, StatusChanged):
            states.append(event.job.status)
    assert states[-1] is State.failed
    assert job.info.failure is not None
