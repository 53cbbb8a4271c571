"""Secrets of a profile and of parameters, printed in every form, are read nowhere afterwards."""

from __future__ import annotations

import base64
import io
import os
import random
import secrets
import sqlite3
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from fairihub_headless.web.routes import ROUTES

_WINDOW = 12
ENDS = ("successful", "failed")


class Canary:
    """A secret that no text may hold twelve characters of, however they are written."""

    def __init__(self, chance: random.Random) -> None:
        self.core = chance.randbytes(20).hex()
        self.value = f'p@ss/"{self.core}"+ü'
        inner = base64.b64encode(self.core.encode()).decode().rstrip("=")[:-2]
        self._alignments = [self.core, inner, *self._shifted()]

    def _shifted(self) -> list[str]:
        return [
            base64.b64encode(b"\0" * n + self.core.encode()).decode()[4:-4].rstrip("=")
            for n in (1, 2)
        ]

    def sung(self, text: bytes) -> str | None:
        told = text.decode("utf-8", "replace")
        for form in self._alignments:
            for at in range(len(form) - _WINDOW + 1):
                if form[at : at + _WINDOW] in told:
                    where = told.index(form[at : at + _WINDOW])
                    return told[max(0, where - 60) : where + 60]
        return None


PRINTED = """
import base64, json, os, subprocess, sys, textwrap, time, urllib.parse
from IPython.display import HTML, JSON, display
from fairihub_headless.scraps import glue
from fairihub_headless.reporting import progress
for s in (os.environ['DEEP_KEY'], given['deep'][0]['api_token']):
    raw = s.encode()
    forms = [s, repr(s), json.dumps(s), json.dumps({'a': [s]}), urllib.parse.quote(s, safe=''),
             base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(),
             base64.b64encode(b'ada:' + raw + b'@').decode(), '\\n'.join(textwrap.wrap(s, 15)),
             base64.encodebytes(raw * 3).decode()]
    for form in forms:
        print('told', form)
        print('told', form, file=sys.stderr)
        subprocess.run(['echo', form])
        os.write(2, f'written {form}\\n'.encode())
    print(s[:20], end='', flush=True); time.sleep(0.5); print(s[20:], flush=True)
    display(HTML(f'<b title="{s}">{forms[4]}</b>'))
    data = {'application/json': {'deep': [{s: [s, forms[5]]}]}}
    display(data, raw=True, metadata={'m': {'x': s}})
    display(JSON({'key': s}))
    glue('told', {'deep': [s, forms]})
    progress(0.5, f'half of {s}')
"""


@pytest.fixture(scope="module")
def told(hub: Any) -> Iterator[Any]:
    """A team whose profile has a secret, and its member's client."""
    seed = os.environ.get("CANARY_SEED") or secrets.token_hex(4)
    print(f"CANARY_SEED={seed} draws these secrets again.")
    chance = random.Random(seed)  # noqa: S311 - reproducible
    profile, given = Canary(chance), Canary(chance)
    text = (
        "kind: Customer\nmetadata:\n  name: uc9\nspec:\n  k8s-namespace: uc9\n"
        "  inventory:\n  - expirationDate: '2099-12-31'\n  activations:\n  - data:\n"
        "      profile_small: display_name=Small,mem_limit=2147483648,cpu_limit=1,"
        "secret_names=deep\n  allowedLogins:\n  - userName: cyd\n"
    )
    folder = hub.places.secret("uc9", "deep")
    folder.mkdir(parents=True)
    (folder / "DEEP_KEY").write_text(profile.value)
    (hub.folder / "teams" / "uc9.yaml").write_text(text)
    with hub.client("cyd") as client:
        deadline = time.monotonic() + 60
        while client.get("jobs").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield hub, client, profile, given


def _run(told: Any, notebook: Callable[..., str], last: str, wait: str = "") -> tuple[str, Any]:
    hub, client, _, given = told
    source = notebook(PRINTED + wait, last, parameters="given = None\napi_token = ''")
    hub.put("uc9", "cyd", source)
    inputs = {
        "notebook": "work.ipynb",
        "parameters_json": {"given": {"deep": [{"api_token": given.value}]}, "api_token": "none"},
    }
    answer = client.post("processes/execute-notebook/execution", json={"inputs": inputs},
                         headers={"Prefer": "respond-async"})  # fmt: skip
    assert answer.status_code == 201, answer.text
    return answer.json()["jobID"], answer


def _ended(client: httpx.Client, job: str) -> Any:
    deadline = time.monotonic() + 90
    while (status := client.get(f"jobs/{job}").json())["status"] not in ENDS:
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    return status


@pytest.mark.parametrize(
    "last", ["1 + 1", "raise ValueError(os.environ['DEEP_KEY'] + repr(given))"]
)
def test_no_canary_sings_in_any_view_file_row_or_log(
    told: Any, notebook: Callable[..., str], last: str
) -> None:
    hub, client, profile, given = told
    job, answer = _run(told, notebook, last)
    status = _ended(client, job)
    assert status["status"] == ("successful" if last == "1 + 1" else "failed"), status
    seen = {"the answer": answer.content}
    for route in ROUTES:
        path = route.path.lstrip("/")
        for name, value in {"processID": "execute-notebook", "jobID": job, "output": "told",
                            "name": "executed.ipynb"}.items():  # fmt: skip
            path = path.replace("{" + name + "}", value)
        for accept in ("application/json", "text/html", "*/*"):
            with client.stream("GET", path, headers={"Accept": accept}) as got:
                seen[f"{path} as {accept}: {got.status_code}"] = got.read()
    archive = seen[f"jobs/{job}/files.zip as */*: 200"]
    with zipfile.ZipFile(io.BytesIO(archive)) as unpacked:
        seen |= {f"zip {name}": unpacked.read(name) for name in unpacked.namelist()}
    seen |= {f"log {p.name}": p.read_bytes() for p in hub.folder.glob("*.log")}
    seen |= {str(p): p.read_bytes() for p in _kept(hub.places.headless, job)}
    assert b"told" in seen[f"jobs/{job}/logs as */*: 200"]
    found = {
        where: song
        for where, text in seen.items()
        for canary in (profile, given)
        if (song := canary.sung(text))
    }
    assert found == {}


def _kept(root: Path, job: str) -> list[Path]:
    return [p for p in (root / "runs" / job[:2] / job).rglob("*") if p.is_file()]


def test_the_database_keeps_a_parameter_for_another_run_and_no_other_secret(
    told: Any, notebook: Callable[..., str]
) -> None:
    """Run again must give the same values: they stand in one column, and nowhere else."""
    hub, client, profile, given = told
    job, _ = _run(told, notebook, "raise ValueError(os.environ['DEEP_KEY'] + repr(given))")
    _ended(client, job)
    rows: dict[str, bytes] = {}
    for file in hub.places.headless.glob("*.sqlite*"):
        if file.suffix != ".sqlite":
            continue
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
            store.row_factory = sqlite3.Row
            for (table,) in store.execute("select name from sqlite_master where type='table'"):
                for row in store.execute(f'select * from "{table}"'):  # noqa: S608
                    for column in row.keys():  # noqa: SIM118
                        key = f"{table}.{column}"
                        rows[key] = rows.get(key, b"") + str(row[column]).encode() + b"\n"
    assert rows
    assert {where for where, text in rows.items() if profile.sung(text)} == set()
    assert {where for where, text in rows.items() if given.sung(text)} == {"runs.request"}


def test_no_argument_and_no_environment_of_the_service_tells_a_secret(
    told: Any, notebook: Callable[..., str]
) -> None:
    hub, client, profile, given = told
    job, _ = _run(told, notebook, "1", wait="\ntime.sleep(8)")
    deadline = time.monotonic() + 60
    while "told" not in client.get(f"jobs/{job}/logs").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    service = psutil.Process(hub.beside.pid)
    of_run = 0
    for process in [service, *service.children(recursive=True)]:
        try:
            arguments = " ".join(process.cmdline()).encode()
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except (psutil.Error, OSError):
            continue
        assert profile.sung(arguments) is None
        assert given.sung(arguments) is None
        assert given.sung(environment) is None
        belongs = f"JOB_NAME={job}".encode() in environment
        of_run += belongs
        if not belongs:
            assert profile.sung(environment) is None, process
    assert of_run >= 1
    _ended(client, job)
