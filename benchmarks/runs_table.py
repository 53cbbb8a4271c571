"""What the parts of `benchmarks/runs.py` say, and how it is shown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One line of the table."""

    what: str
    ours: float | None
    """None if it could not be measured; `note` says why."""
    unit: str = "s"
    peer: float | None = None
    named: str = ""
    """Who the peer is."""
    value: float | None = None
    """What the budget is about; ours, unless it is a ratio."""
    budget: float | None = None
    least: bool = False
    """Whether the budget is the least that `value` may be."""
    note: str = ""

    @property
    def judged(self) -> float | None:
        return self.ours if self.value is None else self.value

    @property
    def kept(self) -> bool:
        """What has a budget and could not be measured has not kept it."""
        if self.budget is None:
            return True
        if self.judged is None:
            return False
        return self.judged >= self.budget if self.least else self.judged <= self.budget


def beside(
    what: str, ours: float, peer: float, named: str, budget: float | None = None,
    unit: str = "s", *, turned: bool = False, note: str = "",
) -> Measure:  # fmt: skip
    """A line whose budget is the ratio; `turned`: more is better, and the budget is the least."""
    return Measure(what, ours, unit, peer, named, ours / peer, budget, turned, note)


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(
    what: str, values: Sequence[float], budget: float | None = None, unit: str = "s"
) -> list[Measure]:
    """Median and p95 of something; the budget is p95 over the median."""
    middle, high = statistics.median(values), percentile(values, 0.95)
    over = Measure(
        f"  p95 of {len(values)}, beside their median", high, unit, middle, "median",
        high / middle, budget,
    )  # fmt: skip
    return [Measure(f"{what}, median", middle, unit), over]


def table(measures: Sequence[Measure]) -> str:
    lines = [f"{'':50}{'fairihub':>10}{'':5}{'peer':>9} {'':20}{'value':>8}{'budget':>9}"]
    for m in measures:
        ours, peer, value = _number(m.ours), _number(m.peer), _number(m.value)
        budget = "-" if m.budget is None else f"{'≥' if m.least else '≤'} {m.budget:g}"
        mark = "" if m.kept else "  MISSED"
        lines.append(
            f"{m.what:50}{ours:>10} {m.unit:4}{peer:>9} {m.named:20}{value:>8}{budget:>9}{mark}"
        )
        lines += [f"    {m.note}"] if m.note else []
    return "\n".join(lines)


def _number(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:.4f}" if number < 1 else f"{number:.3f}" if number < 100 else f"{number:.0f}"
