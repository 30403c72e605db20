"""Comparing a run with an older one: what got slower beyond noise."""

from __future__ import annotations

from dataclasses import dataclass

from .intervals import Interval
from .report import TARGETS, BenchReport

LEAST = 0.05
"""Smaller changes are none, however narrow the intervals."""


@dataclass(frozen=True)
class Change:
    """One number in both runs.

    Parameters
    ----------
    name
        A headline, or a row's key.
    old, new
        The number in each run.
    worse
        Relative change for the worse; negative for the better.
    beyond_noise
        Whether the intervals lie apart and the change is not small.
    """

    name: str
    old: Interval
    new: Interval
    worse: float
    beyond_noise: bool

    @property
    def is_regression(self) -> bool:
        """Whether it got worse beyond noise."""
        return self.beyond_noise and self.worse > 0


def compare(old: BenchReport, new: BenchReport) -> list[Change]:
    """Compare two runs, the worst first.

    Two files were never measured in turns, so times are not compared: only headlines and the rows' ratios to the
    reference of their own rounds are.

    Parameters
    ----------
    old, new
        The runs; what only one of them has is left out.
    """
    changes = [
        _change(name, old.headline[name], new.headline[name], higher_is_better=TARGETS[name][0] == "at least")
        for name in new.headline
        if name in old.headline and name in TARGETS
    ]
    before = {row.key: row.relative for row in old.rows if row.relative is not None}
    changes += [
        _change(row.key, before[row.key], row.relative, higher_is_better=False)
        for row in new.rows
        if row.relative is not None and row.key in before
    ]
    return sorted(changes, key=lambda change: (not change.beyond_noise, -change.worse))


def _change(name: str, old: Interval, new: Interval, *, higher_is_better: bool) -> Change:
    moved = (new.value - old.value) / max(abs(old.value), 1e-12)
    apart = new.low > old.high or new.high < old.low
    return Change(name, old, new, -moved if higher_is_better else moved, apart and abs(moved) > LEAST)
