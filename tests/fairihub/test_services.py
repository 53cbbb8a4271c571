"""What the services are told: an operator's settings as they are, secrets on another way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from jupyterhub.services.service import _ServiceSpawner
from jupyterhub.spawner import LocalProcessSpawner

from fairihub import datafolder
from fairihub.hub_settings import HubSettings
from fairihub.ports import choose_ports
from fairihub.services import services, write_service_settings
from fairihub.settings import Settings
from fairihub.sign_in import Secrets
from fairihub_headless.settings import RunSettings, read_settings
from tests.support.ports import free_port

NONE = Secrets()
SAID = {
    "max_runs": 7,
    "max_runs_per_member": 3,
    "max_runs_per_team": 5,
    "max_queued_per_member": 20,
    "submissions_per_minute": 30,
    "max_hours": 2,
    "cancel_grace_seconds": 20,
    "longest_wait_seconds": 10,
    "max_followers_per_member": 4,
    "max_output_bytes": "2Mi",
    "max_log_bytes": "3Mi",
    "max_results_bytes": "50Gi",
    "min_free_bytes": "5Gi",
    "keep_days": 30,
    "keep_failed_days": 3,
    "keep_runs_per_team": 500,
    "max_pinned_per_member": 6,
    "results_in_bucket": True,
    "public_s3_endpoint": "https://s3.example.org/",
    "checkout_git_repo": {"url": "https://example.org/algorithm", "credentials": "/etc/tokens"},
    "warm": False,
    "warm_environments": 1,
    "warm_kernels": 4,
    "warm_workers": 2,
    "warm_idle_minutes": 5,
    "warm_imports": ["numpy", "xarray.core"],
    "echo": False,
    "database": "postgresql://hub@db.example.org/runs?sslmode=verify-full",
}


@pytest.fixture
def hub_with(tmp_path):
    def made(**runs):
        settings = Settings.model_validate({"runs": runs})
        return HubSettings(
            settings=settings,
            sources=(),
            data=tmp_path,
            ports=choose_ports(free_port()),
            proxy_command=("proxy",),
        )

    datafolder.opened(tmp_path)
    return made


def told(hub, secrets=NONE):
    """What the service of runs reads, as it reads it."""
    write_service_settings(hub, secrets)
    return read_settings(str(hub.places.hub / "headless.json"))


def test_all_that_an_operator_says_of_runs_reaches_their_service(hub_with):
    assert set(SAID) == set(RunSettings.model_fields)
    hub = HubSettings.model_validate_json(hub_with(**SAID).model_dump_json())
    found = told(hub)
    assert {name: getattr(found, name) for name in SAID} == dict(hub.settings.runs)
    unsaid = RunSettings()
    assert [name for name in SAID if getattr(found, name) == getattr(unsaid, name)] == []
    assert found.min_free_bytes == 5 * 2**30
    assert found.database.startswith("postgresql+psycopg://hub@db.example.org/runs")


def test_without_a_word_the_service_has_its_own_defaults(hub_with):
    found = told(hub_with())
    assert {name: getattr(found, name) for name in SAID} == dict(RunSettings())
    assert found.slots >= 1


def test_every_setting_says_what_it_means():
    for block in (Settings, RunSettings):
        silent = [name for name, field in block.model_fields.items() if not field.description]
        assert silent == []


def test_the_password_of_the_database_is_told_to_one_service_alone(hub_with):
    hub = hub_with(database="postgresql://hub@db.example.org/runs")
    found = told(hub, Secrets(runs_database="s3cretpw"))
    assert "hub:s3cretpw@db.example.org" in found.database_address
    assert "s3cretpw" not in repr(found)
    assert "s3cretpw" not in json.dumps(services(hub))
    knows = [path for path in hub.places.hub.iterdir() if "s3cretpw" in path.read_text()]
    assert [(path.name, path.stat().st_mode & 0o777) for path in knows] == [
        ("headless.json", 0o600)
    ]
    assert told(hub).database_address == found.database


def test_a_mistake_in_what_the_service_is_told_repeats_no_password(tmp_path):
    (tmp_path / "headless.json").write_text('{"database_password": "s3cretpw"}')
    with pytest.raises(SystemExit, match="data") as refusal:
        read_settings(str(tmp_path / "headless.json"))
    assert "s3cretpw" not in str(refusal.value)


def test_the_hub_sees_within_seconds_that_a_service_has_ended(hub_with):
    """JupyterHub itself looks every 30 s; as often it still looks after people's servers."""
    services(hub_with())
    process = subprocess.Popen([sys.executable, "-c", ""])

    async def seen() -> None:
        ended = asyncio.Event()
        spawner = _ServiceSpawner()
        spawner.proc = process
        spawner.add_poll_callback(ended.set)
        spawner.start_polling()
        await asyncio.wait_for(ended.wait(), 15)

    asyncio.run(seen())
    assert LocalProcessSpawner().poll_interval == 30
