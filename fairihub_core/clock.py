"""The time of the house: UTC, aware, in one place so that a day means the same everywhere."""

from __future__ import annotations

from datetime import date, datetime, timezone


def now() -> datetime:
    return datetime.now(timezone.utc)


def today() -> date:
    return now().date()
