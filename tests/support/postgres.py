"""A PostgreSQL of the tests' own: a private cluster that listens on a socket in its folder only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg
import pytest

START_SECONDS = 60
# What a crash would lose is of no use to anybody.
OPTIONS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path:
    """The folder of `initdb` and `pg_ctl`; skips the test where PostgreSQL is not installed."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    on_path = shutil.which("initdb")
    found = [folder for folder in newest if (folder / "initdb").exists()]
    if not found and on_path is None:
        pytest.skip("PostgreSQL is not installed; scripts/get-postgres gets it")
    return found[-1] if found else Path(str(on_path)).resolve().parent


class Postgres:
    """A running cluster; `database` makes a new, empty one in it."""

    def __init__(self) -> None:
        self._programs = programs()
        # Of its own below the system's temporary folder: the path of a socket must be short, and
        # the ordinary user that PostgreSQL asks for must be able to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="fairihub-pg-"))
        self._user = _ordinary_user()
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._numbers = count(1)
        self._run("initdb", "-D", "data", "-U", "fairihub", "-A", "trust", "-E", "UTF8", "-N")

    def start(self) -> None:
        options = " ".join(f"-c {option}" for option in OPTIONS)
        options += f" -c unix_socket_directories={self._folder}"
        self._run(
            "pg_ctl", "-D", "data", "-l", "log", "-w", "-t", str(START_SECONDS), "-o", options,
            "start",
        )  # fmt: skip

    def stop(self) -> None:
        """Ends the cluster and every connection to it; `start` brings it back."""
        self._run("pg_ctl", "-D", "data", "-m", "fast", "-w", "stop")

    def close(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def database(self) -> str:
        """The SQLAlchemy address of a new database."""
        name = f"test{next(self._numbers)}"
        self._do(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://fairihub@/{name}?host={self._folder}"

    def guarded(self, password: str) -> str:
        """The address, without the password, of a new database whose owner has to give it."""
        name = f"guarded{next(self._numbers)}"
        rules = self._folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all {name} scram-sha-256\n{rules.read_text()}")
        self._do(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        self._do(f"CREATE DATABASE {name} OWNER {name}")
        self._do("SELECT pg_reload_conf()")
        return f"postgresql://{name}@/{name}?host={self._folder}"

    def _do(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self._folder), user="fairihub", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        with tempfile.TemporaryFile() as said:  # no pipe: the server would hold it open
            done = subprocess.run(
                [str(self._programs / program), *arguments],
                cwd=self._folder, user=self._user, stdout=said, stderr=said, check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8"}, timeout=2 * START_SECONDS,
            )  # fmt: skip
            said.seek(0)
            assert done.returncode == 0, said.read().decode(errors="replace")


def _ordinary_user() -> str | None:
    """Whom the server runs as, since PostgreSQL refuses to run as root; None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"
