import numpy as np
import pytest

from oviton.benchmarks.intervals import Interval, median, quantile, ratio, slope
from oviton.benchmarks.report import fitted_line


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
    found = ratio(a, b)
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


def test_scaling_and_inverse_keep_the_order():
    found = Interval(value=4, low=2, high=5)
    assert found.inverse() == Interval(value=0.25, low=0.2, high=0.5)
    assert found.scaled(-1) == Interval(value=-4, low=-5, high=-2)
    assert quantile(range(101), 0.99) == 99


def test_a_line_is_fitted_through_times_by_size():
    seconds = {n: [0.010 + 0.002 * n] * 5 for n in (1, 2, 4, 8)}
    line = fitted_line("small", "clients", seconds, base=2)
    assert line.slope.value == pytest.approx(2)
    assert line.intercept.value == pytest.approx(10)
    assert line.relative.value == pytest.approx(2 / 14)
    assert [ms.value for ms in line.ms] == pytest.approx([12, 14, 18, 26])
