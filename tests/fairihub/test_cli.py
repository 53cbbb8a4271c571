"""The commands that need no hub: what they print and how they exit."""

from __future__ import annotations

import contextlib
import getpass
import json
import re
import socket
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import jsonschema
import pytest
import yaml

from fairihub.cli import main
from fairihub.examples import EXAMPLE_TEAMS
from fairihub.hub_settings import HubSettings, Ports
from fairihub.settings import Settings
from fairihub_auth.store import AuthStore
from fairihub_core.audit import Entry
from fairihub_core.customer_crd import customer_crd
from fairihub_core.findings import Finding
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Member, Team, TeamDirectory
from tests.support.refused_up import refused_up

PUBLISHED = Path(__file__).parent.parent / "data"
PORTS = Ports(public=1, hub=2, proxy_api=3, catalog=4, headless=5, s3=6)


def test_check_reports_line_severity_and_what_was_understood(capsys):
    path = PUBLISHED / "customer-wrapped.yaml"
    assert main(["check", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"{path}:20:29: warning: " in out
    assert "Understood: mem_limit=32212254720. [broken-number]" in out


def test_check_as_json(capsys):
    assert main(["check", "--format", "json", str(PUBLISHED / "customer.yaml")]) == 1
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert (file["team"], file["ok"]) == ("fairicubeuc4", True)
    assert [(f["line"], f["severity"], f["code"]) for f in file["findings"]] == [
        (13, "warning", "expired")
    ]


def test_check_refuses_what_was_printed(capsys):
    assert main(["check", str(PUBLISHED / "customer-as-printed.txt")]) == 1
    assert ":43:1: error: Not valid YAML at “- approvalTimestamp" in capsys.readouterr().out


def test_check_of_open_teams_is_clean(capsys):
    open_teams = [str(EXAMPLE_TEAMS / f"{name}.yaml") for name in ("fairicubeuc4", "urbanclimate")]
    assert main(["check", *open_teams]) == 0
    assert capsys.readouterr().out.count("no findings") == 2


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "/nowhere.yaml"], ["up", "--port", "x"], ["nonsense"], []]
)
def test_wrong_use_exits_with_2(arguments, capsys):
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert capsys.readouterr().err


def test_a_folder_without_team_files_is_no_success(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert "holds no team files" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["link", "token"])
def test_commands_for_a_hub_that_never_was(tmp_path, command, capsys):
    assert main([command, "ada", "--data", str(tmp_path)]) == 2
    assert "No hub was ever started" in capsys.readouterr().err


@pytest.fixture
def hub_that_is_off(tmp_path):
    """The data folder of a hub that was ended, of whose teams “uc4” lists ada."""
    hub = HubSettings(
        settings=Settings(), sources=(), data=tmp_path, ports=PORTS, proxy_command=("true",)
    )
    team = Team(name="uc4", namespace="uc4", members=(Member(login="ada"),))
    taken = datetime(2026, 11, 21, 14, 3, tzinfo=timezone.utc)
    slip = Finding(line=9, severity="warning", code="unknown-key", message="Unknown key “x”.")
    report = FileReport(path="uc4.yaml", team="uc4", lines={"ada": 7}, findings=(slip,))
    directory = TeamDirectory(teams=(team,))
    snapshot = Snapshot(number=7, taken=taken, directory=directory, files=(report,))
    hub.places.hub.mkdir(parents=True)
    (hub.places.hub / "settings.json").write_text(hub.model_dump_json())
    hub.snapshot_file.write_text(snapshot.model_dump_json())
    return hub


def test_a_link_stands_in_the_audit_log_and_not_what_opens_it(hub_that_is_off, capsys):
    hub = hub_that_is_off
    hub.team_state_file.write_bytes(hub.snapshot_file.read_bytes())
    assert main(["link", "ada", "--data", str(hub.data)]) == 0
    token = capsys.readouterr().out.strip().partition("#link=")[2]
    (line,) = (hub.places.hub / "audit.jsonl").read_text().splitlines()
    told = Entry.model_validate_json(line)
    assert (told.action, told.login, told.by) == ("link-made", "ada", "cli")
    assert f"by its user “{getpass.getuser()}”; until " in told.detail
    assert token
    assert token not in line
    with contextlib.closing(AuthStore.in_folder(hub.places.hub)) as store:
        assert list(store.audit(action="link-made")) == [told]
    assert main(["link", "mallory", "--data", str(hub.data)]) == 2
    assert len((hub.places.hub / "audit.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_why_says_that_the_hub_is_off_and_of_when_its_answer_is(hub_that_is_off, form, capsys):
    why = ["why", "--data", str(hub_that_is_off.data), "--format", form]
    assert [main([*why, login]) for login in ("ada", "mallory")] == [0, 1]
    said = capsys.readouterr()
    off = "The hub is off; this is its state of 2026-11-21 14:03 UTC. "
    assert said.err.count(f"{off}Renamed accounts are told by their hub name.\n") == 2
    assert "“ada” comes in." in said.out


def test_why_in_regard_to_a_team_tells_of_its_file(hub_that_is_off, capsys):
    assert main(["why", "carla", "--team", "uc4", "--data", str(hub_that_is_off.data)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Team “uc4” does not let “carla” in.",
        "  - uc4: “carla” is not in allowedLogins.",
        "    uc4.yaml",
        "  - uc4: Warning in the file: Unknown key “x”.",
        "    uc4.yaml, line 9",
    ]


def test_why_of_a_hub_that_left_no_state(hub_that_is_off, capsys):
    hub_that_is_off.snapshot_file.unlink()
    assert main(["why", "ada", "--data", str(hub_that_is_off.data)]) == 1
    assert "No hub runs" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["fairicubeuc4", "urbanclimate", "landslides"])
def test_the_schema_accepts_the_examples(name, capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    example = yaml.safe_load((EXAMPLE_TEAMS / f"{name}.yaml").read_text())
    jsonschema.validate(example, schema)
    example["spec"]["activations"][0]["data"]["profile_x"] = {"mem_limits": "1Gi"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example, schema)


def test_the_definition_for_a_cluster_is_plain_yaml(capsys):
    assert main(["crd"]) == 0
    out = capsys.readouterr().out
    assert yaml.safe_load(out) == customer_crd()
    assert not re.search(r"[&*]id\d", out)


def test_wrong_settings_leave_no_data_folder(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("idle_minute: 5")
    data = tmp_path / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    refused = refused_up(
        "--settings", str(wrong), "--data", str(data), "--port", port, "--no-open", cwd=tmp_path
    )
    assert refused.returncode == 2
    assert "“idle_minute” is no setting" in refused.stderr
    assert not data.exists()


@pytest.mark.parametrize("module", ["fairihub", "fairihub.entry"])
def test_the_command_can_be_called_as_a_module(module):
    told = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("fairihub ")
