"""Confidence intervals: of means, by bootstrap, and of shares, after Wilson."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

_RESAMPLES = 2000


def bootstrap_mean(values: Sequence[float], *, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a mean: the percentiles of the means of samples drawn with replacement."""
    sample = np.asarray(values, np.float64)
    picks = np.random.default_rng(seed).integers(0, len(sample), (_RESAMPLES, len(sample)))
    low, high = np.quantile(sample[picks].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def bootstrap_ratio(parts: Sequence[float], wholes: Sequence[float], *, seed: int = 0) -> tuple[float, float] | None:
    """Return the 95 % interval of sum(parts) / sum(wholes), items drawn together; None when all wholes are 0."""
    pairs = np.asarray([parts, wholes], np.float64)
    picks = np.random.default_rng(seed).integers(0, pairs.shape[1], (_RESAMPLES, pairs.shape[1]))
    part, whole = pairs[:, picks].sum(axis=2)
    if not whole.any():
        return None
    low, high = np.quantile(part[whole > 0] / whole[whole > 0], (0.025, 0.975))
    return float(low), float(high)


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; everything from 0 to 1 when there were no trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, Z95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)
