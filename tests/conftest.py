"""What holds for every test: a hub to ask for; in CI nothing is skipped: a skip there fails."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.databases import postgres, url  # noqa: F401 - fixtures
from tests.support.keycloak import Keycloak
from tests.support.running_hub import RunningHub


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not hasattr(report, "wasxfail"):
        _fail_a_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_a_skip(report)
    return report


def _fail_a_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A machine that lacks a part must not pass for one that has tried it."""
    if report.skipped and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"In CI nothing is skipped, but this was: {reason}"


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub for all tests that leave it as they found it."""
    running = RunningHub(tmp_path_factory.mktemp("hub"))
    running.start()
    yield running
    running.close()


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[RunningHub]:
    """A hub of the test's own, not started yet."""
    running = RunningHub(tmp_path / "hub")
    yield running
    running.close()


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """One Keycloak for all tests that put its users back where they found them."""
    running = Keycloak(tmp_path_factory.mktemp("keycloak"))
    try:
        running.start()
        yield running
    finally:
        running.close()
