"""`fairihub run` and `fairihub runs` against a hub that `fairihub up` has started."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.support.notebooks import GLUE, notebook
from tests.support.running_hub import ROOT, RunningHub, fairihub, until

JOBS = "/services/headless/jobs"
LONG = "import time\nprint('begun', flush=True)\ntime.sleep(100)"
Ended = subprocess.CompletedProcess[str]


class Desk:
    """A computer from which linus runs notebooks: the command line, and a folder."""

    def __init__(self, hub: RunningHub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        away = ("FAIRIHUB_", "JUPYTERHUB_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(away)}
        here = {"FAIRIHUB_URL": hub.address, "FAIRIHUB_TOKEN": hub.token("linus")}
        self.environment = {**kept, **here, "PYTHONPATH": str(ROOT)}

    def __call__(self, *arguments: str | Path, **environment: str) -> Ended:
        return subprocess.run(
            fairihub(*arguments), capture_output=True, text=True, timeout=90, check=False,
            cwd=self.folder, env={**self.environment, **environment},
        )  # fmt: skip

    def begun(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            fairihub(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.folder, env=self.environment,
        )  # fmt: skip

    def put(self, name: str, *cells: str, parameters: str | None = None) -> None:
        """A notebook in the home of linus."""
        home = self.hub.data / "homes" / "fairicubeuc4" / "linus"
        home.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(notebook(*cells, parameters=parameters)))

    def status(self, job: str) -> str:
        return str(self.hub.api("linus").get(f"{JOBS}/{job}").json()["status"])


@pytest.fixture
def desk(hub: RunningHub, tmp_path: Path) -> Desk:
    return Desk(hub, tmp_path)


def test_it_runs_follows_prints_and_downloads(desk: Desk) -> None:
    wrote = "import os; open(os.environ['RESULTS_DIRECTORY'] + '/a.txt', 'w').write('hello')"
    desk.put("sum.ipynb", GLUE + "glue('sum', a + 1)\nprint('printed')", wrote, parameters="a = 1")
    ended = desk("run", "sum.ipynb", "-p", "a", "41", "--logs", "--download", "out")
    assert (ended.returncode, ended.stdout) == (0, "sum: 42\n"), ended.stderr
    assert "printed" in ended.stderr
    assert "succeeded" in ended.stderr
    assert (desk.folder / "out/results/a.txt").read_text() == "hello"


def test_json_is_all_that_stands_on_stdout(desk: Desk) -> None:
    desk.put("sum.ipynb", GLUE + "glue('sum', a + 1)", parameters="a = 1")
    (desk.folder / "p.yaml").write_text("a: 2\n")
    asked = ("run", "sum.ipynb", "-f", "p.yaml", "--format", "json", "--download", "out")
    told = json.loads(desk(*asked).stdout)
    assert told["scraps"] == {"sum": 3}
    assert told["job"]["status"] == "successful"
    assert all((desk.folder / path).is_file() for path in told["downloaded"])


def test_a_notebook_of_the_catalogue_and_one_of_this_computer(desk: Desk) -> None:
    ended = desk("run", "public.monthly-summary", "-p", "station", "Graz", "--priority", "high")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    (desk.folder / "mine.ipynb").write_text(json.dumps(notebook(GLUE + "glue('x', 'here')")))
    ended = desk("run", "--upload", "mine.ipynb")
    assert (ended.returncode, ended.stdout) == (0, "x: here\n"), ended.stderr


def test_a_name_that_is_meant_on_this_computer_is_seen_through(desk: Desk) -> None:
    (desk.folder / "only-here.ipynb").write_text("{}")
    ended = desk("run", "only-here.ipynb")
    assert ended.returncode == 2
    assert "add --upload" in ended.stderr


def test_a_failed_run_says_which_cell_and_why(desk: Desk) -> None:
    desk.put("fails.ipynb", "1", "1 / 0")
    ended = desk("run", "fails.ipynb", "--download", "out")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ell 3 of 3" in ended.stderr
    assert "ZeroDivisionError" in ended.stderr
    assert "1 / 0" in ended.stderr
    assert list((desk.folder / "out").glob("*.ipynb")), "the partial notebook"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "sum.ipynb", "-p", "nothing", "1"], "nothing"),
        (["run", "public.nowhere"], "public.nowhere"),
        (["run", "sum.ipynb", "--profile", "huge"], "huge"),
        (["run", "sum.ipynb", "--retries", "99"], "retries"),
        (["runs", "show", "nowhere"], "nowhere"),
    ],
)
def test_what_is_refused_exits_with_2(desk: Desk, arguments: list[str], says: str) -> None:
    desk.put("sum.ipynb", "a", parameters="a = 1")
    ended = desk(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_detached_run_is_looked_after_by_its_id(desk: Desk) -> None:
    desk.put("long.ipynb", LONG)
    job = desk("run", "long.ipynb", "--detach", "--deadline", "90").stdout.strip()
    until(lambda: "begun" in desk("runs", "logs", job).stdout, "a run that has begun", 60)
    assert desk("runs", "show", job).stdout.startswith(f"{job} running")
    listed = desk("runs", "--status", "running", "--status", "waiting").stdout
    assert job in listed
    assert job not in desk("runs", "--status", "failed").stdout
    assert desk("runs", "cancel", job).returncode == 0
    assert desk("runs", "follow", job).returncode == 3
    shown = json.loads(desk("runs", "show", job, "--format", "json").stdout)
    assert shown["status"] == "dismissed"


def test_a_run_is_repeated_with_changes_and_fetched_later(desk: Desk) -> None:
    desk.put("sum.ipynb", GLUE + "glue('sum', a + b)", parameters="a = 1\nb = 1")
    job = desk("run", "sum.ipynb", "-p", "a", "10", "--detach").stdout.strip()
    assert desk("runs", "follow", job).stdout == "sum: 11\n"
    desk.put("sum.ipynb", "raise SystemExit('another notebook by now')")
    again = desk("runs", "again", job, "-p", "b", "5")
    assert (again.returncode, again.stdout) == (0, "sum: 15\n"), again.stderr
    fetched = desk("runs", "download", job, "--to", "later").stdout.splitlines()
    assert all((desk.folder / name).is_file() for name in fetched)
    assert desk("runs", "download", job, "--zip", "all.zip").returncode == 0
    assert (desk.folder / "all.zip").read_bytes().startswith(b"PK")


@pytest.mark.parametrize("cancel", [False, True])
def test_ctrl_c_ends_following_or_the_run(desk: Desk, cancel: bool) -> None:
    desk.put("long.ipynb", LONG)
    options = ["--cancel-on-interrupt"] if cancel else []
    process = desk.begun("run", "long.ipynb", "--logs", *options)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "begun" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    job = said[0].split()[0]
    assert process.returncode == 3
    assert "Traceback" not in rest
    if cancel:
        assert desk.status(job) == "dismissed"
    else:
        assert f"fairihub runs cancel {job}" in rest
        assert desk.status(job) == "running"
        desk("runs", "cancel", job)


def test_in_a_terminal_a_bar_shows_how_far_it_is(desk: Desk) -> None:
    desk.put("steps.ipynb", *["import time; time.sleep(0.05)"] * 5)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        fairihub("run", "steps.ipynb"), stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
        cwd=desk.folder, env=desk.environment,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 4096):
            seen += part
    except OSError:  # the terminal has nobody at its other end
        pass
    process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 0
    assert b"6/6 cells" in seen


def test_a_token_comes_from_a_file_or_is_lent_and_given_back(desk: Desk) -> None:
    desk.put("one.ipynb", "1")
    (desk.folder / "token").write_text(desk.hub.token("linus") + "\n")
    nothing = {"FAIRIHUB_TOKEN": "", "FAIRIHUB_URL": ""}
    asked = ("run", "one.ipynb", "--detach", "--token-file", "token", "--url", desk.hub.address)
    assert desk(*asked, **nothing).returncode == 0
    tokens = "/hub/api/users/linus/tokens"
    before = len(desk.hub.api("linus").get(tokens).json()["api_tokens"])
    ended = desk("run", "one.ipynb", "--login", "linus", "--data", desk.hub.data, **nothing)
    assert ended.returncode == 0, ended.stderr
    assert len(desk.hub.api("linus").get(tokens).json()["api_tokens"]) == before
    nobody = desk("runs", "--login", "nobody", "--data", desk.hub.data, **nothing)
    assert (nobody.returncode, nobody.stdout) == (1, "")


def test_a_hub_that_is_away_is_no_failed_run(desk: Desk) -> None:
    ended = desk("runs", "--url", "http://127.0.0.1:9")
    assert ended.returncode == 3
    assert "does not answer" in ended.stderr
