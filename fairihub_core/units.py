"""Numbers as people read them: bytes, cores, ranges, hours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Number = TypeVar("_Number", int, float)

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def human_bytes(size: int) -> str:
    """`size` in the largest unit that leaves at least one of it: 30 GiB, 1.5 GiB, 512 MiB."""
    number, unit = _scaled(size)
    return f"{_plain(number)} {unit}"


def memory_range(guarantee: int | None, limit: int | None) -> str | None:
    """What a profile says of memory: “28–30 GiB”, “up to 30 GiB”, “at least 28 GiB”, “2 GiB”."""
    if guarantee is None or limit is None or guarantee == limit:
        return _one_sided(guarantee, limit, human_bytes)
    low, low_unit = _scaled(guarantee)
    high, high_unit = _scaled(limit)
    if low_unit == high_unit:
        return f"{_plain(low)}–{_plain(high)} {high_unit}"
    return f"{human_bytes(guarantee)} – {human_bytes(limit)}"


def cpu_range(guarantee: float | None, limit: float | None) -> str | None:
    """What a profile says of processors: “7–8 cores”, “up to 8 cores”, “1 core”."""
    if guarantee is None or limit is None or guarantee == limit:
        return _one_sided(guarantee, limit, _cores)
    return f"{_plain(guarantee)}–{_cores(limit)}"


def counted(number: int, one: str, several: str | None = None) -> str:
    """“1 secret”, “3 secrets”."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def human_hours(seconds: int) -> str:
    """“40 h”, “2.5 h”."""
    return f"{_plain(seconds / 3600)} h"


def _one_sided(
    guarantee: _Number | None, limit: _Number | None, shown: Callable[[_Number], str]
) -> str | None:
    if guarantee is None:
        return None if limit is None else f"up to {shown(limit)}"
    return shown(guarantee) if guarantee == limit else f"at least {shown(guarantee)}"


def _cores(number: float) -> str:
    return f"{_plain(number)} {'core' if number <= 1 else 'cores'}"


def _scaled(size: int) -> tuple[float, str]:
    number, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return number, unit


def _plain(number: float) -> str:
    return f"{round(number, 2):,.2f}".rstrip("0").rstrip(".")
