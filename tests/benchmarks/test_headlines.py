import pytest

from oviton.benchmarks.headlines import HEADLINES
from oviton.evaluation.intervals import Interval


@pytest.mark.parametrize(
    ("name", "low", "high", "verdict"),
    [
        ("try_on_vs_eager_fp32", 2.6, 2.9, "met"),
        ("try_on_vs_eager_fp32", 2.5, 32.03, "met"),
        ("try_on_vs_eager_fp32", 2.4, 32.03, "unclear"),
        ("try_on_vs_eager_fp32", 2.0, 2.4, "missed"),
        ("extra_garment", 0.01, 0.04, "met"),
        ("extra_garment", 0.01, 0.06, "unclear"),
        ("extra_garment", 0.06, 0.2, "missed"),
    ],
)
def test_a_target_is_met_by_the_whole_interval_or_not(name, low, high, verdict):
    assert HEADLINES[name].verdict(Interval(value=(low + high) / 2, low=low, high=high)) == verdict


def test_targets_read_as_their_numbers_do():
    assert HEADLINES["try_on_vs_eager_fp32"].aim == "at least 2.50\u00a0×"
    assert HEADLINES["pre_post_share"].aim == "at most 15\u00a0%"
    assert HEADLINES["pre_post_share"].text(0.1234) == "12.3\u00a0%"
