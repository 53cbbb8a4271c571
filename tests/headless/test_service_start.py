"""A service that cannot serve: the hub begins it anew at once, so it takes its time to end."""

from __future__ import annotations

import logging

import pytest

from fairihub_headless import service


def test_what_fails_at_the_start_is_said_and_waits(monkeypatch, caplog):
    async def failing(*_: object) -> None:
        raise OSError("the database is away")

    waited: list[float] = []
    monkeypatch.setattr(service, "serve", failing)
    monkeypatch.setattr(service, "read_settings", lambda _: None)
    monkeypatch.setattr(service, "log_to_stderr", lambda: None)
    monkeypatch.setattr(service.HubPlace, "of", lambda _: None)
    monkeypatch.setattr(service.os, "umask", lambda _: 0)
    monkeypatch.setattr(service.time, "sleep", waited.append)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as end:
        service.main()
    assert (end.value.code, waited) == (1, [10])
    assert "the database is away" in caplog.text
