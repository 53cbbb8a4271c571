"""The commands that need no hub: what they print and how they exit."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import jsonschema
import pytest
import yaml

from fairihub.cli import main
from fairihub.examples import EXAMPLE_TEAMS

PUBLISHED = Path(__file__).parent.parent / "data"


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


def test_wrong_settings_leave_no_data_folder(tmp_path, capsys):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("idle_minute: 5")
    data = tmp_path / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    arguments = ["up", "--settings", str(wrong), "--data", str(data), "--port", port]
    assert main([*arguments, "--no-open"]) == 2
    assert "“idle_minute” is no setting" in capsys.readouterr().err
    assert not data.exists()
