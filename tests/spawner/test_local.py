"""Real servers on a real hub: what they are given, what is refused, what a stop leaves behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from http.cookiejar import CookieJar
from pathlib import Path

import psutil
import pytest

from fairihub_core.processes import running
from fairihub_spawner.limits import enforcement
from tests.support.waiting import eventually

from .conftest import Hub, command_of, team

GIB = 2**30
UC4 = team(
    "uc4",
    "ada bob",
    small={"mem_limit": GIB, "cpu_limit": 1.5, "s3_bucket_name": "uc4", "secret_names": ("qhub",)},
    lost={"secret_names": ("nowhere",)},
)
UC5 = team("uc5", "cleo", gpu={}, thief={"s3_bucket_name": "uc4"})
CLOSED = team("uc6", "dora", "2020-01-01", small={})


@pytest.fixture(scope="module", autouse=True)
def _teams(hub: Hub) -> None:
    for namespace, key, value in [
        ("uc4", "DB_PASSWORD", "ca{na}ry\n"),
        ("uc4", "JUPYTERHUB_API_TOKEN", "stolen"),
        ("uc4", "not-a-name", "x"),
        ("uc5", "OTHER_PASSWORD", "x"),
    ]:
        folder = hub.places.secret(namespace, "qhub")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / key).write_text(value)
    hub.teams_are(UC4, UC5, CLOSED)


@pytest.fixture(scope="module")
def ada(hub: Hub):
    """Ada's server, started by REST with the short name of a profile."""
    server = hub.started("ada", {"profile": "small"})
    yield psutil.Process(server["state"]["pid"]) if server.get("state") else _process(hub, "ada")
    hub.stop("ada")


def _process(hub: Hub, login: str) -> psutil.Process:
    """The server of `login`, found as the machine sees it."""
    return next(
        p
        for p in psutil.process_iter()
        if (environment := _environment(p)).get("JUPYTERHUB_USER") == login
        and environment.get("JUPYTERHUB_ACTIVITY_URL", "").startswith("http://127.0.0.1:")
        and environment.get("JUPYTERHUB_ROOT_DIR", "").startswith(str(hub.places.data))
        and "fairihub_spawner.singleuser" in p.cmdline()
    )


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def test_a_server_is_given_what_its_profile_says(hub, ada):
    given = _environment(ada)
    home = str(hub.places.home("uc4", "ada"))
    key = json.loads((hub.places.s3 / "keys.json").read_text())["uc4"]
    assert given.items() >= {
        "FAIRIHUB_TEAM": "uc4",
        "FAIRIHUB_PROFILE": "uc4.small",
        "MEM_LIMIT": str(GIB),
        "CPU_LIMIT": "1.5",
        "DB_PASSWORD": "ca{na}ry",
        "S3_USER_STORAGE_BUCKET": "uc4",
        "AWS_SECRET_ACCESS_KEY": key["secret"],
        "HOME": home,
        "USER": "ada",
    }.items()  # fmt: skip
    assert ada.cwd() == home
    assert os.stat(home).st_mode & 0o777 == 0o700


def test_a_server_sees_nothing_of_the_hub_or_of_other_teams(hub, ada):
    given = _environment(ada)
    assert given["JUPYTERHUB_API_TOKEN"] != "stolen"
    forbidden = {"HUB_SECRET", "CONFIGPROXY_AUTH_TOKEN", "SPAWNER_TEST", "OTHER_PASSWORD"}
    assert not forbidden & given.keys()
    assert "not-a-name" not in given


def test_the_home_has_its_links(hub, ada):
    home = hub.places.home("uc4", "ada")
    assert (home / "s3").resolve() == hub.places.bucket("uc4").resolve()
    assert (home / "shared").resolve() == hub.places.library("uc4").resolve()


def test_jupyterlab_reads_and_writes_through_the_links(hub, ada):
    (hub.places.library("uc4") / "shared.txt").write_text("from the curators")
    status, file = hub.call("GET", "/user/ada/api/contents/shared/shared.txt")
    assert (status, file["content"]) == (200, "from the curators")
    body = {"type": "file", "format": "text", "content": "mine"}
    assert hub.call("PUT", "/user/ada/api/contents/s3/x.txt", body)[0] == 201
    assert (hub.places.bucket("uc4") / "x.txt").read_text() == "mine"


def test_the_choice_is_remembered_in_full(hub, ada):
    assert hub.server("ada")["user_options"] == {"profile": "uc4.small"}


def test_the_server_is_a_working_jupyterlab(hub, ada):
    status, page = hub.call("GET", "/user/ada/lab")
    assert status == 200
    assert '"news": {"disabled": true}' in page
    status, kernel = hub.call("POST", "/user/ada/api/kernels", {"name": "python3"})
    assert status == 201, kernel
    assert hub.call("DELETE", f"/user/ada/api/kernels/{kernel['id']}")[0] == 204


@pytest.mark.parametrize(
    ("method", "what", "body", "status", "said"),
    [
        ("POST", "build", {}, 403, "built for the whole hub"),
        ("DELETE", "build", None, 403, "built for the whole hub"),
        ("GET", "build", None, 200, "stable"),
        ("POST", "extensions", {"cmd": "install"}, 422, "was blocked"),
        ("POST", "extensions", {"cmd": "uninstall"}, 500, "removal not supported"),
    ],
)
def test_no_browser_changes_what_all_servers_share(hub, ada, method, what, body, status, said):
    before = _shared_files()
    if what == "extensions":
        body["extension_name"] = "jupyterlab-night"
    answered, told = hub.call(method, f"/user/ada/lab/api/{what}", body)
    assert (answered, said in str(told)) == (status, True), told
    assert _shared_files() == before


def test_whoever_switches_a_plugin_off_does_so_for_themselves(hub, ada):
    before = _shared_files()
    asked = {"cmd": "disable", "plugin_name": "@jupyterlab/csvviewer-extension:csv"}
    assert hub.call("POST", "/user/ada/lab/api/plugins", asked)[0] == 201
    assert _shared_files() == before
    kept = hub.places.home("uc4", "ada") / ".jupyter" / "labconfig" / "page_config.json"
    assert "csvviewer" in kept.read_text()
    kept.unlink()


def _shared_files() -> dict[str, int]:
    """JupyterLab's own files in the hub's environment, and when each was written."""
    folders = ("etc/jupyter", "share/jupyter/lab", "share/jupyter/labextensions")
    return {
        str(file): file.stat().st_mtime_ns
        for folder in folders
        for file in (Path(sys.prefix) / folder).rglob("*")
    }


def test_no_secret_of_a_request_stands_in_the_log_of_a_server(hub, ada):
    canary, logged = "canary-77b1", len(hub.log.read_text())
    headers = {"X-Api-Key": canary, "Cookie": f"other={canary}", "Referer": f"http://x/?t={canary}"}
    broken = {"cmd": "uninstall", "extension_name": "none-such"}
    for method, path, body, status in (
        ("GET", "api/contents/none-such", None, 404),
        ("GET", "none-such", None, 404),
        ("POST", "lab/api/extensions", broken, 500),
        ("POST", "lab/api/build", {}, 403),
    ):
        asked = f"/user/ada/{path}?code={canary}&next=%2F{canary}"
        assert hub.call(method, asked, body, **headers)[0] == status
    said = hub.log.read_text()[logged:]
    assert "500 POST /user/ada/lab/api/extensions (operator@" in said
    assert [line for line in said.splitlines() if canary in line] == []


def test_the_page_offers_no_build(hub, ada):
    _, page = hub.call("GET", "/user/ada/lab")
    assert '"buildAvailable": false' in page
    assert '"buildCheck": false' in page


def test_the_token_of_a_server_reaches_the_catalogue(hub, ada):
    token = _environment(ada)["JUPYTERHUB_API_TOKEN"]
    _, me = hub.call("GET", "/hub/api/user", Authorization=f"token {token}")
    assert "access:services!service=catalog" in me["scopes"]
    assert "users:activity!user=ada" in me["scopes"]


def test_an_open_tab_is_no_activity_to_the_hub(hub, ada):
    opened = datetime.now(timezone.utc).isoformat()
    for _ in range(6):
        assert hub.call("GET", "/user/ada/api/kernels")[0] == 200
        time.sleep(0.5)
    assert hub.server("ada")["last_activity"] < opened


def test_a_server_lives_under_its_limits(ada):
    if enforcement().memory != "enforced":
        pytest.skip("this machine has no control group that may be written to")
    assert "fairihub-" in Path(f"/proc/{ada.pid}/cgroup").read_text()


@pytest.mark.parametrize(
    ("login", "options", "status", "says"),
    [
        ("bob", {"profile": "small", "image": "evil"}, 400, "“image” cannot be chosen"),
        ("bob", {"user_options": {"volumes": ["/"]}}, 400, "“volumes” cannot be chosen"),
        ("bob", {"profile": "gpu"}, 403, "“gpu” is not one of your profiles"),
        ("bob", {"profile": "uc5.gpu"}, 403, "“uc5.gpu” is not one of your profiles"),
        ("bob", {"profile": "lost"}, 403, "no folder for the secret “nowhere” of team “uc4”"),
        ("dora", {"profile": "small"}, 403, "Team “uc6” closed after 2020-01-01."),
        ("eve", None, 403, "No team lists “eve”"),
    ],
)
def test_what_is_refused_by_rest(hub, login, options, status, says):
    logged = len(hub.log.read_text())
    answered, body = hub.start(login, options)
    assert (answered, says in body["message"]) == (status, True), body
    assert hub.server(login) is None
    assert "Traceback" not in hub.log.read_text()[logged:]


def test_refused_options_are_not_taken_again(hub):
    assert hub.start("bob", {"profile": "small", "image": "evil"})[0] == 400
    hub.started("bob")
    assert hub.server("bob")["user_options"] == {"profile": "uc4.small"}
    hub.stop("bob")


def test_refusals_do_not_count_as_failures_of_the_hub(hub):
    for _ in range(4):  # twice the limit
        assert hub.start("eve")[0] == 403
    assert "Aborting due to" not in hub.log.read_text()
    assert hub.call("GET", "/hub/api/")[0] == 200


def test_what_is_refused_by_form(hub):
    browser = _signed_in(hub, "bob")
    page = _post(browser, hub, "/hub/spawn", profile="uc5.gpu")
    assert page[0] == 403
    assert "“uc5.gpu” is not one of your profiles" in page[1]
    assert "SpawnException" not in page[1]
    assert hub.server("bob") is None


def test_a_link_from_another_site_starts_nothing(hub):
    browser = _signed_in(hub, "bob")
    link = urllib.request.Request(
        f"{hub.address}/hub/spawn?opt-profile=small", headers={"Sec-Fetch-Site": "cross-site"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        browser.open(link, timeout=20)
    assert "A link from another site" in refused.value.read().decode()
    assert hub.server("bob") is None


def test_another_teams_bucket_is_not_given(hub):
    hub.started("cleo", {"profile": "thief"})
    given = _environment(_process(hub, "cleo"))
    assert "AWS_SECRET_ACCESS_KEY" not in given
    assert not (hub.places.home("uc5", "cleo") / "s3").exists()
    hub.stop("cleo")


def test_a_stop_ends_all_that_the_server_started(hub):
    hub.started("bob", {"profile": "small"})
    server = _process(hub, "bob")
    assert hub.call("POST", "/user/bob/api/kernels", {"name": "python3"})[0] == 201
    mark = _environment(server)["FAIRIHUB_SERVER"]
    _in_a_terminal(hub, "bob", "setsid sleep 987 & (setsid sleep 988 &) ; exit\n")
    assert eventually(lambda: {"987", "988"} <= _arguments(mark))
    hub.stop("bob")
    assert not eventually(lambda: _arguments(mark) or None, 0.5)
    assert not running([server])


def test_children_of_a_server_that_dies_end_too(hub):
    hub.started("bob", {"profile": "small"})
    server = _process(hub, "bob")
    mark = _environment(server)["FAIRIHUB_SERVER"]
    _in_a_terminal(hub, "bob", "(setsid sleep 986 &) ; exit\n")
    assert eventually(lambda: "986" in _arguments(mark))
    server.send_signal(signal.SIGKILL)
    assert eventually(lambda: not _arguments(mark))
    assert eventually(lambda: hub.server("bob") is None)


def test_a_restarted_hub_takes_up_its_servers(hub, ada):
    hub.end(signal.SIGKILL)
    for child in hub.proxies():
        child.kill()
    hub.run()
    assert eventually(lambda: hub.server("ada"))
    assert hub.call("GET", "/user/ada/api/status")[0] == 200
    assert running([ada])


def _arguments(mark: str) -> set[str]:
    """The last words of all commands that a server started."""
    return {
        command[-1]
        for p in psutil.process_iter()
        if _environment(p).get("FAIRIHUB_SERVER") == mark and (command := command_of(p))
    }


def _in_a_terminal(hub: Hub, login: str, text: str) -> None:
    import websocket

    status, terminal = hub.call("POST", f"/user/{login}/api/terminals", {})
    assert status == 200, terminal
    address = hub.address.replace("http", "ws")
    socket = websocket.create_connection(
        f"{address}/user/{login}/terminals/websocket/{terminal['name']}",
        header=["Authorization: token only-for-these-tests"],
        timeout=20,
    )
    socket.send(json.dumps(["stdin", text]))
    socket.recv()
    socket.close()


def _signed_in(hub: Hub, login: str) -> urllib.request.OpenerDirector:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.open(f"{hub.address}/hub/login", timeout=20).read()
    _post(browser, hub, "/hub/login", username=login, password="")
    return browser


def _post(browser, hub: Hub, path: str, **fields: str) -> tuple[int, str]:
    jar = next(h for h in browser.handlers if hasattr(h, "cookiejar")).cookiejar
    token = next(c.value for c in jar if c.name == "_xsrf")
    data = urllib.parse.urlencode({"_xsrf": token, **fields}).encode()
    request = urllib.request.Request(hub.address + path, data, {"Sec-Fetch-Site": "same-origin"})
    try:
        with browser.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
