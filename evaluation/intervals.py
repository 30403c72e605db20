"""95 % intervals: by bootstrap, of whatever is computed from samples, and of shares, after Wilson.

By hand, so that a base install, which has no SciPy, runs benchmarks and scores studies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, model_validator

RESAMPLES = 2000

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

Array = npt.NDArray[np.float64]


class Interval(BaseModel):
    """A number and its 95 % interval: finite, and ``low <= value <= high``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float
    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> Interval:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value:g} is not between low, {self.low:g}, and high, {self.high:g}")
        return self

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


def bootstrap(samples: Sequence[object], statistic: Callable[[Array], Array], *, seed: int = 0) -> list[Interval]:
    """Return each number of a statistic with the percentiles that it has over samples drawn with replacement.

    Parameters
    ----------
    samples
        Numbers ``[…, n]``. The n items are drawn as they are, so what is in one item stays together: all times of a
        round, a part and its whole.
    statistic
        Maps ``[…, n]``, or ``[…, draws, n]`` at once, to ``[k]`` and ``[k, draws]``: it takes the last axis together.
    seed
        Seed of the draws; 0 by default.

    Returns
    -------
    list of Interval
        One for each of the k numbers. Draws that have no number (0 / 0) are left out.
    """
    table = np.asarray(samples, np.float64)
    count = table.shape[-1]
    picks = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    with np.errstate(invalid="ignore"):
        values, drawn = np.atleast_1d(statistic(table)), np.atleast_2d(statistic(table[..., picks]))
    lows, highs = np.nanquantile(drawn, (0.025, 0.975), axis=1)
    ends = zip(values.tolist(), lows.tolist(), highs.tolist(), strict=True)
    return [Interval(value=value, low=min(low, value), high=max(high, value)) for value, low, high in ends]


def mean(sample: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the mean of a sample."""
    return bootstrap(sample, lambda drawn: drawn.mean(axis=-1), seed=seed)[0]


def median(sample: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the median of a sample."""
    return bootstrap(sample, lambda drawn: np.median(drawn, axis=-1), seed=seed)[0]


def ratio_of_medians(numerator: Sequence[float], denominator: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the ratio of two medians of samples taken in the same rounds.

    Rounds are drawn together, so that what slows a whole round down, slows both.

    Parameters
    ----------
    numerator, denominator
        A number a round, equally many.
    seed
        Seed of the draws; 0 by default.
    """

    def ratio(drawn: Array) -> Array:
        above, below = np.median(drawn, axis=-1)
        return np.asarray(above / below)

    return bootstrap([numerator, denominator], ratio, seed=seed)[0]


def ratio_of_sums(parts: Sequence[float], wholes: Sequence[float], *, seed: int = 0) -> Interval | None:
    """Return sum(parts) / sum(wholes), items drawn together; None when all wholes are 0."""

    def ratio(drawn: Array) -> Array:
        part, whole = drawn.sum(axis=-1)
        return np.asarray(part / whole)

    return bootstrap([parts, wholes], ratio, seed=seed)[0] if any(wholes) else None


def slope(x: Sequence[float], samples: Sequence[Sequence[float]], *, seed: int = 0) -> tuple[Interval, Interval]:
    """Fit a line through the medians of samples at `x`.

    Parameters
    ----------
    x
        Sizes, at least two different ones.
    samples
        For each size a number a round, equally many.
    seed
        Seed of the draws; 0 by default.

    Returns
    -------
    tuple of Interval
        The slope, and the line's value at x = 0.
    """
    solve = np.linalg.pinv(np.stack([np.asarray(x, np.float64), np.ones(len(x))], axis=1))
    along, start = bootstrap(samples, lambda drawn: np.asarray(solve @ np.median(drawn, axis=-1)), seed=seed)
    return along, start


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; everything from 0 to 1 when there were no trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, Z95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)
