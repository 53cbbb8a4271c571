"""`fairihub up` begins and ends cleanly: at any moment, over a restart, where it cannot start."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.support.access.cast import EXECUTE
from tests.support.notebooks import notebook
from tests.support.running_hub import ROOT, RunningHub, fairihub, until

JOBS = "/services/headless/jobs"


def belonging_to(folder: Path) -> list[str]:
    """What still runs and names the folder: in its arguments, its environment or as its place."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            told = [*command, process.cwd(), *process.environ().values()]
        except (psutil.Error, OSError):
            continue
        if any(str(folder) in text for text in told) and process.pid != psutil.Process().pid:
            found.append(f"{process.pid} {' '.join(command)[:120]}")
    return found


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_its_end_is_the_end_of_all_it_started(own_hub: RunningHub, by: signal.Signals) -> None:
    own_hub.start()
    own_hub.start_server("ada", "small")
    api = own_hub.api("ada")
    body = {
        "type": "notebook",
        "format": "json",
        "content": notebook("import time; time.sleep(99)"),
    }
    api.put("/user/ada/api/contents/long.ipynb", json=body).raise_for_status()
    job = api.post(EXECUTE, json={"inputs": {"notebook": "long.ipynb"}}).json()["jobID"]
    until(lambda: api.get(f"{JOBS}/{job}").json()["status"] == "running", "a run that runs")
    assert len(belonging_to(own_hub.data)) > 3
    assert own_hub.stop(by) == 0
    assert belonging_to(own_hub.data) == []


MOMENTS = (0.2, 0.4, 0.6, *(random.Random(n).uniform(1.0, 14.0) for n in range(5)))  # noqa: S311


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_at_any_moment_leaves_nothing(own_hub: RunningHub, moment: float) -> None:
    command = fairihub(
        "up", "--teams", own_hub.teams, "--data", own_hub.data, "--port", str(own_hub.port),
        "--no-open",
    )  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=40)
    assert b"Traceback" not in said, said.decode()
    assert belonging_to(own_hub.data) == []


@pytest.mark.parametrize("pause", [0.05, 0.5, 2.0])
def test_a_second_ctrl_c_hurries_and_leaves_nothing(own_hub: RunningHub, pause: float) -> None:
    own_hub.start()
    own_hub.start_server("ada", "small")
    process = psutil.Process(own_hub.pid)
    process.send_signal(signal.SIGINT)
    time.sleep(pause)
    if process.is_running():
        process.send_signal(signal.SIGINT)
    own_hub.stop(signal.SIGINT)
    assert belonging_to(own_hub.data) == []


def test_a_killed_hub_leaves_nothing_and_starts_again(own_hub: RunningHub) -> None:
    own_hub.start()
    own_hub.start_server("ada", "small")
    own_hub.stop(signal.SIGKILL)
    until(lambda: not belonging_to(own_hub.data), "everything gone", 30)
    own_hub.start()
    assert own_hub.sign_in("ada").get("/hub/home").status_code == 200


def test_a_restart_keeps_homes_runs_tokens_and_what_was_published(own_hub: RunningHub) -> None:
    own_hub.start()
    own_hub.start_server("linus", "small")
    linus, ada = own_hub.api("linus"), own_hub.api("ada")
    body = {"type": "notebook", "format": "json", "content": notebook("1 + 1", title="Kept roofs")}
    linus.put("/user/linus/api/contents/kept.ipynb", json=body).raise_for_status()
    shared = linus.post(
        "/user/linus/fairihub/share", json={"path": "kept.ipynb", "team": "fairicubeuc4"}
    ).json()
    publish = f"/services/catalog/api/contributions/{shared['cid']}/publish"
    published = ada.post(publish, json={}).json()
    job = linus.post(EXECUTE, json={"inputs": {"notebook": "kept.ipynb"}}).json()["jobID"]
    until(lambda: linus.get(f"{JOBS}/{job}").json()["status"] == "successful", "the run's end", 60)
    session = own_hub.sign_in("linus")

    own_hub.restart()

    assert linus.get(f"{JOBS}/{job}").json()["status"] == "successful"
    assert linus.get(f"{JOBS}/{job}/results").status_code == 200
    found = linus.get(f"/services/catalog/api/notebooks/{published['notebook_id']}")
    assert found.json()["title"] == "Kept roofs"
    assert session.get("/hub/home").url.path == "/hub/home", "the session survives too"
    own_hub.start_server("linus", "small")
    assert linus.get("/user/linus/api/contents/kept.ipynb").status_code == 200


def test_a_port_in_use_is_named_with_another_to_take(own_hub: RunningHub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = own_hub.run(
            "up", "--teams", str(own_hub.teams), "--data", str(own_hub.data), "--port", str(port)
        )
    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr
    assert "--port" in ended.stderr


def test_a_second_hub_on_the_same_folder_is_refused(hub: RunningHub) -> None:
    ended = hub.run("up", "--teams", str(hub.teams), "--data", str(hub.data), "--port", "1")
    assert ended.returncode == 1
    assert "A hub is running" in ended.stderr


def test_a_folder_is_in_use_until_its_hub_has_ended(own_hub: RunningHub) -> None:
    own_hub.start()
    lock = str(own_hub.data / "lock")
    below = psutil.Process(own_hub.pid).children(recursive=True)
    (hub,) = [p for p in below if lock in (file.path for file in p.open_files())]
    assert "fairihub.hub" in hub.cmdline()
    hub.suspend()  # as one that takes its time to end
    try:
        own_hub.stop(signal.SIGKILL)
        ended = own_hub.run("up", "--teams", str(own_hub.teams), "--data", str(own_hub.data))
        assert (ended.returncode, "A hub is running" in ended.stderr) == (1, True), ended.stderr
    finally:
        hub.resume()
    until(lambda: not belonging_to(own_hub.data), "everything gone", 30)
    own_hub.start()


def test_a_folder_of_another_version_is_left_as_it_is(own_hub: RunningHub) -> None:
    (own_hub.data / "version").write_text("99\n")
    before = sorted(own_hub.data.rglob("*"))
    ended = own_hub.run("up", "--teams", str(own_hub.teams), "--data", str(own_hub.data))
    assert ended.returncode == 2
    assert "another version" in ended.stderr
    assert sorted(own_hub.data.rglob("*")) == before


@pytest.mark.parametrize("source", ["https://user:s3cretpw@h.example/x", "/x\n  branch: -x"])
def test_a_repository_that_cannot_be_meant_is_refused_before_anything_is_made(
    own_hub: RunningHub, tmp_path: Path, source: str
) -> None:
    own_hub.settings.write_text(f"team_files:\n- git: {source}\n")
    new = tmp_path / "new"
    ended = own_hub.run("up", "--settings", str(own_hub.settings), "--data", str(new))
    assert ended.returncode == 2
    assert f"{own_hub.settings}: team_files.0." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "s3cretpw" not in ended.stderr + ended.stdout
    assert not new.exists()


def test_teams_that_are_none(own_hub: RunningHub, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("kind: Customer\n  x: [")
    for teams in (tmp_path / "missing", tmp_path / "broken.yaml"):
        ended = own_hub.run("up", "--teams", str(teams), "--data", str(own_hub.data))
        assert ended.returncode == 2
        assert teams.name in ended.stderr
