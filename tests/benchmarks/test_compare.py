import pytest

from oviton.benchmarks.compare import compare
from oviton.benchmarks.intervals import Interval
from oviton.benchmarks.report import BenchReport, Row


def around(value, half):
    return Interval(value=value, low=value - half, high=value + half)


def report(headline=None, relative=None):
    rows = []
    if relative is not None:
        row = {"suite": "try_on", "group": "engines", "what": "try_on", "bundle": "b", "rounds": 9, "stable": True}
        rows = [Row(**row, ms=around(5, 1), relative=relative)]
    return BenchReport(machine={"processor": "p"}, settings={}, headline=headline or {}, rows=tuple(rows))


@pytest.mark.parametrize(
    ("old", "new", "flagged"),
    [
        ((3.0, 0.1), (2.5, 0.1), True),  # slower, intervals apart
        ((3.0, 0.4), (2.5, 0.4), False),  # slower, but within noise
        ((3.0, 0.001), (2.9, 0.001), False),  # surely slower, but hardly
        ((3.0, 0.1), (3.6, 0.1), False),  # faster
    ],
)
def test_regressions_are_beyond_noise_and_not_small(old, new, flagged):
    (change,) = compare(report({"try_on_vs_eager_fp32": around(*old)}), report({"try_on_vs_eager_fp32": around(*new)}))
    assert change.is_regression is flagged


def test_a_larger_share_is_worse():
    (change,) = compare(report({"pre_post_share": around(0.1, 0.01)}), report({"pre_post_share": around(0.2, 0.01)}))
    assert change.is_regression
    assert change.worse == pytest.approx(1)


def test_rows_are_compared_by_ratio_never_by_time():
    old, new = report(relative=around(0.4, 0.01)), report(relative=around(0.6, 0.01))
    assert compare(old, new)[0].is_regression
    slower = report(relative=around(0.4, 0.01))
    slower = slower.model_copy(update={"rows": (slower.rows[0].model_copy(update={"ms": around(50, 1)}),)})
    assert not any(change.is_regression for change in compare(old, slower))
    assert compare(report(), new) == []
