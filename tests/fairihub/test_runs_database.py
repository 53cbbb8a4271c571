"""The database of runs is tried before the hub starts: what is wrong with it is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairihub.runs_database import require_runs_database
from fairihub.settings import Settings
from fairihub_core.errors import Unavailable
from fairihub_headless.settings import PASSWORD
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.refused_up import refused_up


def of(address: str | None) -> Settings:
    return Settings.model_validate({"runs": {"database": address}})


def test_without_a_database_of_its_own_there_is_nothing_to_try() -> None:
    require_runs_database(of(None), {})


def test_a_wrong_password_is_told_and_not_repeated(postgres: Postgres) -> None:
    settings = of(postgres.guarded("right-one"))
    require_runs_database(settings, {PASSWORD: "right-one"})
    with pytest.raises(Unavailable, match="password authentication failed") as refusal:
        require_runs_database(settings, {PASSWORD: "s3cretpw"})
    assert PASSWORD in refusal.value.message
    assert "s3cretpw" not in refusal.value.message
    with pytest.raises(Unavailable, match="no password supplied"):
        require_runs_database(settings, {})


def test_up_with_a_database_that_is_away_makes_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "fairihub.yaml"
    settings.write_text(f"runs:\n  database: postgresql://hub@127.0.0.1:{free_port()}/runs\n")
    refused = refused_up("--settings", str(settings), "--data", "data", cwd=tmp_path)
    assert refused.returncode == 1
    assert "`runs: database` cannot be used" in refused.stderr
    assert not (tmp_path / "data").exists()
