import numpy as np
import pytest
from scipy.stats import binomtest

from oviton.evaluation.intervals import bootstrap_mean, bootstrap_ratio, wilson


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (7, 10), (50, 100), (0, 30), (333, 1000)])
def test_wilson_agrees_with_scipy(successes, trials):
    reference = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson(successes, trials) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_wilson_without_trials_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_bootstrap_is_near_the_normal_interval_and_repeats_itself():
    values = np.random.default_rng(1).normal(3, 2, 400).tolist()
    low, high = bootstrap_mean(values)
    half = 1.96 * np.std(values) / np.sqrt(len(values))
    assert (low, high) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=0.05)
    assert bootstrap_mean(values) == (low, high)
    assert bootstrap_mean([2.0]) == (2.0, 2.0)


def test_ratio_keeps_items_together():
    parts, wholes = [1, 0, 3, 2, 0], [1, 1, 3, 4, 0]
    low, high = bootstrap_ratio(parts, wholes)
    assert 0 <= low < 6 / 9 < high <= 1
    assert bootstrap_ratio([0, 0], [0, 0]) is None
    assert bootstrap_ratio([2, 4], [4, 8]) == (0.5, 0.5)
