"""Medians, ratios and slopes, each with a 95 % bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

RESAMPLES = 1000


class Interval(BaseModel):
    """A number and its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """Return the same in another unit."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Interval(value=self.value * factor, low=low, high=high)

    def inverse(self) -> Interval:
        """Return one over it; it has to be positive."""
        return Interval(value=1 / self.value, low=1 / self.high, high=1 / self.low)

    @property
    def spread(self) -> float:
        """Half the interval's width, relative to the number."""
        return (self.high - self.low) / 2 / abs(self.value) if self.value else 0.0


def median(sample: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the median of a sample."""
    values = np.asarray(sample, np.float64)
    return _interval(float(np.median(values)), np.median(values[_picks(len(values), seed)], axis=1))


def quantile(sample: Sequence[float], share: float) -> float:
    """Return a quantile of a sample, for example 0.99."""
    return float(np.quantile(np.asarray(sample, np.float64), share))


def ratio(numerator: Sequence[float], denominator: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the ratio of two medians of samples taken in the same rounds.

    Rounds are drawn together, so that what slows a whole round down, slows both.

    Parameters
    ----------
    numerator, denominator
        A number a round, equally many.
    seed
        Of the resampling.
    """
    pair = np.asarray([numerator, denominator], np.float64)
    drawn = np.median(pair[:, _picks(pair.shape[1], seed)], axis=2)
    above, below = np.median(pair, axis=1)
    return _interval(above / below, drawn[0] / drawn[1])


def slope(x: Sequence[float], samples: Sequence[Sequence[float]], *, seed: int = 0) -> tuple[Interval, Interval]:
    """Fit a line through the medians of samples at `x`.

    Parameters
    ----------
    x
        Sizes, at least two different ones.
    samples
        For each size a number a round, equally many.
    seed
        Of the resampling.

    Returns
    -------
    tuple
        The slope, and the line's value at x = 0.
    """
    table = np.asarray(samples, np.float64)
    design = np.stack([np.asarray(x, np.float64), np.ones(len(x))], axis=1)
    solve = np.linalg.pinv(design)
    fitted = solve @ np.median(table, axis=1)
    drawn = solve @ np.median(table[:, _picks(table.shape[1], seed)], axis=2)
    return _interval(fitted[0], drawn[0]), _interval(fitted[1], drawn[1])


def _picks(count: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))


def _interval(value: float, drawn: npt.NDArray[np.float64]) -> Interval:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value=float(value), low=min(float(low), float(value)), high=max(float(high), float(value)))
