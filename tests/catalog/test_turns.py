"""What costs much is done for each member in turn, and nobody waits for somebody else's."""

from __future__ import annotations

import asyncio

import pytest

from fairihub_catalog.turns import Lines, Readings
from fairihub_core.errors import TooMany


def refused(readings, login):
    with pytest.raises(TooMany) as caught:
        readings.begin(login)
    assert caught.value.status == 429
    return caught.value.code


def test_one_reading_of_a_member_at_a_time():
    readings = Readings()
    readings.begin("ada")
    assert refused(readings, "ada") == "one-at-a-time"
    readings.begin("bob")
    readings.end("ada")
    readings.begin("ada")


def test_so_many_readings_in_ten_minutes():
    now = [0.0]
    readings = Readings(tries=3, clock=lambda: now[0])
    for _ in range(3):
        readings.begin("ada")
        readings.end("ada")
        now[0] += 60
    assert refused(readings, "ada") == "too-many-tries"
    readings.begin("bob")
    now[0] = 601
    readings.begin("ada")
    readings.end("ada")
    assert refused(readings, "ada") == "too-many-tries"


async def test_previews_of_a_member_are_made_in_line():
    lines, going, done = Lines(most=3), asyncio.Event(), []

    async def one(login, name):
        async with lines.turn(login):
            done.append(name)
            await going.wait()

    tasks = [asyncio.create_task(one("ada", f"ada{n}")) for n in range(3)]
    tasks.append(asyncio.create_task(one("bob", "bob")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == ["ada0", "bob"]
    with pytest.raises(TooMany, match="being made for you already"):
        await one("ada", "ada3")
    going.set()
    await asyncio.gather(*tasks)
    assert done == ["ada0", "bob", "ada1", "ada2"]
    await one("ada", "again")
