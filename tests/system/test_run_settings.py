"""What an operator says of runs, on a hub that was started with it: bounds, and PostgreSQL."""

from __future__ import annotations

import secrets

import psutil
import psycopg
import pytest

from fairihub_headless.settings import PASSWORD
from tests.support.notebooks import notebook
from tests.support.postgres import Postgres
from tests.support.running_hub import RunningHub, until

SERVICE = "/services/headless"
PROCESS = f"{SERVICE}/processes/execute-notebook"
CELL = f"import os\nassert '{PASSWORD}' not in os.environ"


def knowing(hub: RunningHub, word: str) -> list[str]:
    """The processes below the hub's own that have the word in their environment or arguments."""
    (own,) = psutil.Process(hub.pid).children()
    told = [(p, [*p.cmdline(), *p.environ().values()]) for p in own.children(recursive=True)]
    return [" ".join(p.cmdline()) for p, texts in told if any(word in text for text in texts)]


def test_the_service_of_runs_has_what_the_operator_said(
    own_hub: RunningHub, postgres: Postgres
) -> None:
    password = secrets.token_hex(16)
    address = postgres.guarded(password)
    said = {"max_hours": 2, "echo": "false", "warm": "false", "database": address}
    lines = [f"  {name}: {value}" for name, value in said.items()]
    own_hub.settings.write_text("\n".join(["runs:", *lines]))
    own_hub.environment[PASSWORD] = password
    own_hub.start()
    api = own_hub.api("ada")
    until(lambda: api.get(f"{SERVICE}/processes").status_code == 200, "the service answers", 60)
    offered = api.get(f"{SERVICE}/processes").json()["processes"]
    assert [each["id"] for each in offered] == ["execute-notebook"]
    assert api.get(PROCESS).json()["inputs"]["deadline"]["schema"]["maximum"] == 2 * 3600

    sent = {"value": notebook(CELL), "mediaType": "application/x-ipynb+json"}
    answer = api.post(f"{PROCESS}/execution", json={"inputs": {"notebook": sent}})
    assert answer.status_code == 201, answer.text
    job = f"{SERVICE}/jobs/{answer.json()['jobID']}"
    until(lambda: api.get(job).json()["status"] in ("successful", "failed"), "its end", 90)
    assert api.get(job).json()["status"] == "successful", api.get(job).text

    with pytest.raises(psycopg.OperationalError, match="no password"):
        psycopg.connect(address)
    with psycopg.connect(address, password=password) as connection:
        assert connection.execute("SELECT id FROM runs").fetchall() == [(answer.json()["jobID"],)]
    assert list((own_hub.data / "headless").glob("*.sqlite*")) == []
    assert knowing(own_hub, password) == []
    written = [path for path in own_hub.data.rglob("*") if path.is_file()]
    held = [path.name for path in written if password.encode() in path.read_bytes()]
    assert held == ["headless.json"]
