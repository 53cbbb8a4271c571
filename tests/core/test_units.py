"""Numbers as people read them."""

import pytest

from fairihub_core.units import counted, cpu_range, human_bytes, human_hours, memory_range

GIB = 2**30


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1 KiB"),
        (512 * 2**20, "512 MiB"),
        (32212254720, "30 GiB"),
        (30064771072, "28 GiB"),
        (2_000_000_000, "1.86 GiB"),
        (53687091200, "50 GiB"),
        (1024 * GIB, "1 TiB"),
        (2**70, "1,048,576 PiB"),
    ],
)
def test_bytes(size, shown):
    assert human_bytes(size) == shown


@pytest.mark.parametrize(
    ("guarantee", "limit", "shown"),
    [
        (28 * GIB, 30 * GIB, "28–30 GiB"),
        (512 * 2**20, 2 * GIB, "512 MiB – 2 GiB"),
        (2 * GIB, 2 * GIB, "2 GiB"),
        (None, 30 * GIB, "up to 30 GiB"),
        (28 * GIB, None, "at least 28 GiB"),
        (None, None, None),
    ],
)
def test_memory(guarantee, limit, shown):
    assert memory_range(guarantee, limit) == shown


@pytest.mark.parametrize(
    ("guarantee", "limit", "shown"),
    [
        (7, 8, "7–8 cores"),
        (0.5, 1, "0.5–1 core"),
        (1, 1, "1 core"),
        (None, 8, "up to 8 cores"),
        (7.5, None, "at least 7.5 cores"),
        (None, None, None),
    ],
)
def test_cpu(guarantee, limit, shown):
    assert cpu_range(guarantee, limit) == shown


def test_counts_and_hours():
    assert [counted(n, "secret") for n in (1, 2)] == ["1 secret", "2 secrets"]
    assert [human_hours(s) for s in (144000, 9000)] == ["40 h", "2.5 h"]
