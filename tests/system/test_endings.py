"""What ends by itself: idle servers, not those at work; servers of those who were removed."""

from __future__ import annotations

import json
import uuid

import pytest
import websocket

from tests.support.access.cast import EXECUTE
from tests.support.notebooks import notebook
from tests.support.running_hub import EXAMPLES, RunningHub, until

SILENT = "import time\ntime.sleep(600)"
UC4 = (EXAMPLES / "teams/fairicubeuc4.yaml").read_text()


def compute(hub: RunningHub, login: str) -> None:
    """A kernel of the member's server is set to work that prints nothing."""
    api = hub.api(login)
    kernel = api.post(f"/user/{login}/api/kernels", json={"name": "python3"}).json()["id"]
    address = hub.address.replace("http", "ws", 1) + f"/user/{login}/api/kernels/{kernel}/channels"
    header = [f"Authorization: token {hub.token(login)}"]
    channel = websocket.create_connection(address, header=header, timeout=30)
    content = {"code": SILENT, "silent": False, "store_history": False, "allow_stdin": False}
    told = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "s"}
    told |= {"username": login, "version": "5.3"}
    message = {"header": told, "parent_header": {}, "metadata": {}, "content": content}
    channel.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    kernels = f"/user/{login}/api/kernels/{kernel}"
    until(lambda: api.get(kernels).json()["execution_state"] == "busy", "a busy kernel", 30)
    channel.close()


def run(hub: RunningHub, login: str) -> None:
    """A run of a notebook in the member's home, which takes its time."""
    api = hub.api(login)
    body = {"type": "notebook", "format": "json", "content": notebook(SILENT)}
    api.put(f"/user/{login}/api/contents/long.ipynb", json=body).raise_for_status()
    inputs = {"notebook": "long.ipynb"}
    assert api.post(EXECUTE, json={"inputs": inputs}).status_code == 201


@pytest.mark.timeout(400)
def test_idle_servers_end_and_busy_ones_stay(own_hub: RunningHub) -> None:
    own_hub.settings.write_text("idle_minutes: 1\n")
    own_hub.start()
    for login, profile in (("margaret", "small"), ("linus", "small"), ("ada", "small")):
        own_hub.start_server(login, profile)
    compute(own_hub, "linus")
    run(own_hub, "ada")
    assert "idle for 1 minute" in own_hub.sign_in("margaret").get("/hub/home").text
    until(lambda: not own_hub.server("margaret"), "the idle server ends", 180)
    assert own_hub.server("linus").get("ready")
    assert own_hub.server("ada").get("ready")


def test_a_removed_members_server_ends_after_the_grace(own_hub: RunningHub) -> None:
    own_hub.settings.write_text("removal_grace_minutes: 0.05\n")
    own_hub.start()
    own_hub.start_server("linus", "small")
    entry = UC4[UC4.rindex("    - approvalTimestamp") :]
    assert "linus" in entry
    with own_hub.edited("fairicubeuc4", UC4.replace(entry, "")):
        until(lambda: "the server ends" in own_hub.log(), "the end of the server", 40)
        homes = own_hub.data / "homes" / "fairicubeuc4" / "linus"
        assert homes.is_dir(), "files stay"
    until(lambda: not own_hub.server("linus"), "the hub knows of no server", 20)
