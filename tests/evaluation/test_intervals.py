import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import bootstrap as scipy_bootstrap

from oviton.evaluation.intervals import Interval, mean, median, ratio_of_medians, ratio_of_sums, slope, wilson


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (7, 10), (50, 100), (0, 30), (333, 1000)])
def test_wilson_agrees_with_scipy(successes, trials):
    reference = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson(successes, trials) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_wilson_without_trials_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def ratio(a, b, axis):
    return np.median(a, axis=axis) / np.median(b, axis=axis)


@pytest.mark.parametrize(
    ("ours", "statistic", "samples"),
    [(mean, np.mean, 1), (median, np.median, 1), (ratio_of_medians, ratio, 2)],
)
def test_bootstrap_agrees_with_scipy(ours, statistic, samples):
    rng = np.random.default_rng(1)
    drawn = [rng.lognormal(1, 0.5, 60) for _ in range(samples)]
    found = ours(*drawn)
    options = {"method": "percentile", "n_resamples": 5000, "paired": samples > 1, "rng": 3}
    reference = scipy_bootstrap(drawn, statistic, **options).confidence_interval
    width = reference.high - reference.low
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=0.12 * width)
    assert found.low < found.value < found.high
    assert ours(*drawn) == found  # drawn alike each time


def test_one_number_has_an_interval_of_no_width():
    assert mean([2.0]) == median([2.0]) == Interval(value=2, low=2, high=2)


def test_median_and_its_interval_cover_the_truth():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        found = median(rng.lognormal(0, 0.3, 40), seed=seed)
        assert found.low <= found.value <= found.high
        hits += found.low <= 1 <= found.high  # the median of a log-normal of mean log 0
    assert 88 <= hits <= 100


def test_ratio_ignores_what_slows_both_down():
    rng = np.random.default_rng(1)
    weather = rng.uniform(1, 5, 40)  # a round's own slowness, far larger than the difference
    a, b = 2.0 * weather * rng.normal(1, 0.01, 40), weather * rng.normal(1, 0.01, 40)
    found = ratio_of_medians(a, b)
    assert found.value == pytest.approx(2, rel=0.05)
    # Draws of rounds that are not shared spread ten times as wide.
    apart = median(a).spread + median(b).spread
    assert found.spread < apart / 5


def test_slope_is_the_line_through_medians():
    rng = np.random.default_rng(2)
    sizes = [1, 2, 4, 8]
    samples = [[3 + 0.5 * n + e for e in rng.normal(0, 0.05, 50)] for n in sizes]
    samples[1][0] = 1000  # one outlier moves no median
    steps, start = slope(sizes, samples)
    assert steps.value == pytest.approx(0.5, abs=0.02)
    assert start.value == pytest.approx(3, abs=0.1)
    assert steps.low < 0.5 < steps.high


def test_ratio_of_sums_keeps_items_together():
    found = ratio_of_sums([1, 0, 3, 2, 0], [1, 1, 3, 4, 0])
    assert found.value == pytest.approx(6 / 9)
    assert 0 <= found.low < 6 / 9 < found.high <= 1
    assert ratio_of_sums([0, 0], [0, 0]) is None
    assert ratio_of_sums([0, 1], [0, 2]) == Interval(value=0.5, low=0.5, high=0.5)  # some draws are of zeros alone
    assert ratio_of_sums([2, 4], [4, 8]) == Interval(value=0.5, low=0.5, high=0.5)


def test_scaling_and_inverse_keep_the_order():
    found = Interval(value=4, low=2, high=5)
    assert found.inverse() == Interval(value=0.25, low=0.2, high=0.5)
    assert found.scaled(-1) == Interval(value=-4, low=-5, high=-2)


@pytest.mark.parametrize(
    "numbers",
    [(float("nan"), 0, 1), (1, float("nan"), 2), (1, 0, float("inf")), (1, 2, 0), (3, 0, 2), (-1, 0, 2)],
)
def test_what_is_no_interval_is_refused(numbers):
    with pytest.raises(ValueError, match=r"finite number|is not between low"):
        Interval(**dict(zip(("value", "low", "high"), numbers, strict=True)))
