"""Which fork servers live, and which kernelspecs and folders let a kernel be taken warm."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.warm import forking, keeping
from fairihub_headless.warm.environments import key_of
from fairihub_headless.warm.fitness import Facts, is_ipython, variable_at_birth, why_cold
from fairihub_headless.warm.which import Decision, ForkServer, decided

FACTS = Facts(frozenset({"json", "tornado"}), frozenset({"late"}), {"LANG": "C"}, None, None)


def test_the_environments_used_last_have_a_fork_server_and_others_lose_theirs() -> None:
    servers = [
        ForkServer(key, used, lives_since=1.0) for key, used in (("a", 10), ("b", 30), ("c", 20))
    ]
    assert decided(servers, 40, most=2, idle=100) == Decision((), ("a",), (), 80.0)
    assert decided(servers, 125, most=2, idle=100).end == ("c", "a")


def test_one_that_is_idle_is_ended_and_forgotten() -> None:
    server = ForkServer("a", 0.0, lives_since=1.0)
    assert decided([server], 200, 2, 100) == Decision((), ("a",), (), None)
    assert decided([server.ended()], 200, 2, 100) == Decision((), (), ("a",), None)


def test_one_that_dies_comes_back_later_and_later_unless_it_lived_long() -> None:
    server, pauses, now = ForkServer("a", 0.0), [], 0.0
    for _ in range(8):
        server = server.born(now).died(now)
        pauses.append(server.not_before - now)
        assert decided([server], now, 1, 1e9).begin == ()
        now = server.not_before
        assert decided([server], now, 1, 1e9).begin == ("a",)
    assert pauses == [0.25, 1, 4, 16, 64, 256, 300, 300]
    assert server.born(now).died(now + 61).not_before == now + 61.25


@pytest.mark.parametrize(
    ("argv", "fits"),
    [
        ("/env/bin/python -m ipykernel_launcher -f {connection_file}", True),
        ("/env/bin/python -Xfrozen_modules=off -m ipykernel_launcher -f {connection_file}", True),
        ("/env/bin/python -m ipykernel -f {connection_file}", True),
        ("python -m ipykernel_launcher -f {connection_file}", False),
        ("/env/bin/python -m xeus_python -f {connection_file}", False),
        ("/env/bin/python -m ipykernel_launcher -f {connection_file} --debug", False),
        ("/env/bin/python -W error -m ipykernel_launcher -f {connection_file}", False),
        ("/usr/bin/R --slave -e IRkernel::main() --args {connection_file}", False),
    ],
)
def test_which_commands_are_ipythons_own(argv: str, fits: bool) -> None:
    assert is_ipython(argv.split()) is fits


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"LANG": "C", "PYTHONPATH": "/x", "AWS_KEY": "1", "MPLBACKEND": "agg"}, None),
        ({"LANG": "C", "PYTHONHASHSEED": "0"}, "PYTHONHASHSEED"),
        ({"LANG": "de_AT.UTF-8"}, "LANG"),
        ({}, "LANG"),
        ({"LANG": "C", "LD_PRELOAD": "x.so"}, "LD_PRELOAD"),
        ({"LANG": "C", "IPYTHONDIR": "/x"}, "IPYTHONDIR"),
    ],
)
def test_variables_that_act_when_python_starts(given: dict[str, str], name: str | None) -> None:
    assert variable_at_birth(given, FACTS.environment) == name


def test_folders_that_come_before_what_is_loaded(tmp_path: Path) -> None:
    packages, cwd = tmp_path / ".packages", tmp_path / "work"
    environment = {"LANG": "C", "HOME": str(tmp_path), "PYTHONPATH": str(packages)}
    assert why_cold(FACTS, environment, cwd) is None
    packages.mkdir()
    (packages / "other").mkdir()
    (packages / "tornado-1.dist-info").mkdir()
    cwd.mkdir()
    (cwd / "json.py").write_text("")
    assert why_cold(FACTS, environment, cwd) is None
    (cwd / "late.py").write_text("")
    assert "“late” of the working folder" in str(why_cold(FACTS, environment, cwd))
    (packages / "tornado.cpython-311-x86_64-linux-gnu.so").write_text("")
    assert "“tornado” of .packages" in str(why_cold(FACTS, environment, cwd))
    site = replace(FACTS, user_site="work")
    assert "~/work holds packages" in str(
        why_cold(site, {**environment, "PYTHONPATH": ""}, packages)
    )


def test_a_key_changes_with_the_packages(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.12" / "site-packages"
    site.mkdir(parents=True)
    command = (str(tmp_path / "bin" / "python"), "-m", "ipykernel_launcher")
    before = key_of(command)
    assert key_of(command) == before != key_of((*command, "-v"))
    (site / "new").mkdir()
    assert key_of(command) != before


def test_the_program_is_written_for_older_interpreters_and_asks_for_nothing_but_theirs() -> None:
    import sys

    for path in Path(forking.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            tops = {name.partition(".")[0] for name in names}
            # Those of the kernel and of the worker are there in the environments they are for.
            own = {"IPython", "ipykernel", "traitlets", "fairihub_headless"}
            assert tops <= sys.stdlib_module_names | own, path


def test_workers_that_are_forked_look_for_no_plugins_again() -> None:
    code = (
        "import fairihub_headless.worker.beforehand\n"
        "from jupyter_client.provisioning import KernelProvisionerFactory as Factory\n"
        "assert Factory.initialized()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux")
async def test_folders_of_services_that_were_killed_are_removed_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, other, foreign = (tmp_path / f"{n}x" for n in (keeping._PREFIX, "other-", "foreign-"))
    for folder in (left, other, foreign):
        (folder / "k1").mkdir(parents=True)
    (tmp_path / f"{keeping._PREFIX}link").symlink_to(foreign)
    living, next_one = (keeping.Warmth(HeadlessSettings(data=tmp_path)) for _ in range(2))
    monkeypatch.setattr(keeping, "_LONGEST_PATH", 1000)
    monkeypatch.setattr(keeping.Warmth, "_keep", lambda self: asyncio.sleep(60))
    living.start()
    next_one.start()
    assert (left.exists(), living.root.exists(), next_one.root.exists()) == (False, True, True)
    assert (other / "k1").exists()
    assert (foreign / "k1").exists()
    for warmth in (living, next_one):
        await warmth.stop()
    assert not living.root.exists()


async def test_an_environment_in_use_is_not_looked_at_for_every_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    monkeypatch.setattr(keeping, "key_of", lambda command: str(looks.append(command)))
    monkeypatch.setattr(keeping.Warmth, "_keep", lambda self: asyncio.sleep(60))
    warmth = keeping.Warmth(HeadlessSettings(data=tmp_path))
    warmth.start()
    for _ in range(3):
        warmth.used(["/env/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    await warmth.stop()
    assert len(looks) == (1 if sys.platform == "linux" else 0)
