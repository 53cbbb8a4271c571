"""What a page shows of values that a notebook made: as text, and not without end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fairihub_headless.web import pages


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", "a\nb"),
        (8.5, "8.5"),
        ({"a": "ä"}, '{"a": "ä"}'),
        ([10**30] * 3, "\n]"),
        ("x" * 10**6, "…"),
    ],
)
def test_values_as_text(value: Any, text: str) -> None:
    shown = pages.as_text(value)
    assert shown.endswith(text)
    assert len(shown) <= 20_001


def test_what_is_not_shown_is_not_written_either() -> None:
    rows = [{"a": number, "b": [number]} for number in range(100_000)]
    began = time.process_time()
    assert pages.as_text(rows).endswith("…")
    assert time.process_time() - began < 0.05


def test_a_page_shows_some_values_and_how_many_more_there_are() -> None:
    values = {f"value-{number}": number for number in range(30_000)}
    displays = {name: {"text/plain": name} for name in values}
    page = pages.results({"scraps": values, "displays": displays}, "1", "/")
    assert len(page) < 100_000
    assert page.count("and 29,800 more") == 2
    few = {name: values[name] for name in list(values)[:200]}
    assert "more" not in pages.results({"scraps": few}, "1", "/")
