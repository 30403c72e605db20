"""Comparing a run with an older one: what got slower beyond noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..data.errors import InputError
from ..evaluation.intervals import Interval
from .headlines import HEADLINES
from .report import BenchReport, Row, read_report

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


def read_older(path: Path) -> BenchReport:
    """Read a run to compare with.

    Parameters
    ----------
    path
        Its result file.

    Raises
    ------
    InputError
        When it is no result file, or holds nothing that can be compared: better said before minutes of measuring.
    """
    report = read_report(path)
    if not (_headlines(report) or _ratios(report)):
        raise InputError(f"{path}: holds no headline and no ratio to compare with; measure the suite try_on anew")
    return report


def compare(old: BenchReport, new: BenchReport) -> list[Change]:
    """Compare two runs, the worst first.

    Two files were never measured in turns, so times are not compared: only headlines and the rows' ratios to the
    reference of their own rounds are. Headlines do not say what they are about, so they are compared only where both
    runs have the same first bundle, default engine and thoroughness.

    Parameters
    ----------
    old, new
        The runs; what only one of them has is left out, which `remarks` tells.
    """
    before, now = _ratios(old), _ratios(new)
    changes = [
        _change(pair[0], before[pair], found, higher_is_better=False) for pair, found in now.items() if pair in before
    ]
    if not _differences(old, new):
        before_headlines, now_headlines = _headlines(old), _headlines(new)
        changes += [
            _change(name, before_headlines[name], found, higher_is_better=HEADLINES[name].higher_is_better)
            for name, found in now_headlines.items()
            if name in before_headlines
        ]
    return sorted(changes, key=lambda change: (not change.beyond_noise, -change.worse))


def remarks(old: BenchReport, new: BenchReport) -> list[str]:
    """Say, a line each, what a comparison of two runs leaves out or should be read with care.

    Parameters
    ----------
    old, new
        The runs.
    """
    found = []
    if old.machine.processor != new.machine.processor:
        found.append(f"the older run is of another processor: {old.machine.processor}, now {new.machine.processor}")
    differences = _differences(old, new)
    if differences and _headlines(old) and _headlines(new):
        found.append(f"headlines are not compared: {'; '.join(differences)}")
    now = _ratios(new)
    missing = [key for key, reference in _ratios(old) if (key, reference) not in now]
    if not differences:
        missing += [name for name in _headlines(old) if name not in new.headline]
    if missing:
        count = f"{len(missing)} of the older run's ratios, the first of them {missing[0]}"
        found.append(f"not compared, since this run has no such ratio: {count}")
    return found


def _headlines(report: BenchReport) -> dict[str, Interval]:
    return {name: found for name, found in report.headline.items() if name in HEADLINES}


def _ratios(report: BenchReport) -> dict[tuple[str, str], Interval]:
    """Return ratios by the row's key and its reference's: the same row over another bundle is another number."""
    return {(row.key, _reference(row, report)): row.relative for row in report.rows if row.relative is not None}


def _reference(row: Row, report: BenchReport) -> str:
    """Return the key of what a row's ratio is to: of its own bundle, except where bundles are the contenders."""
    references = [other for other in report.rows if other.group == row.group and other.relative is None]
    own = [other for other in references if other.bundle == row.bundle]
    return "; ".join(other.key for other in own or references)


def _differences(old: BenchReport, new: BenchReport) -> list[str]:
    """Return in what the runs' headlines are about different things."""
    pairs = {
        "first bundle": (old.settings.first_bundle, new.settings.first_bundle),
        "default engine": (old.settings.default_engine, new.settings.default_engine),
        "--quick": tuple("yes" if each.settings.quick else "no" for each in (old, new)),
    }
    return [f"{what} was {before}, now {now}" for what, (before, now) in pairs.items() if before != now]


def _change(name: str, old: Interval, new: Interval, *, higher_is_better: bool) -> Change:
    moved = (new.value - old.value) / max(abs(old.value), 1e-12)
    apart = new.low > old.high or new.high < old.low
    return Change(name, old, new, -moved if higher_is_better else moved, apart and abs(moved) > LEAST)
