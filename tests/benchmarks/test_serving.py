import time

import pytest

from oviton.benchmarks.serving import _rate, share_inside


@pytest.mark.parametrize(
    ("span", "share"), [((2, 4), 1), ((0, 2), 0.5), ((9, 11), 0.5), ((0, 1), 0), ((12, 13), 0), ((0, 20), 0.45)]
)
def test_a_call_counts_by_its_share_of_the_window(span, share):
    assert share_inside(span, 1, 10) == pytest.approx(share)


def test_calls_that_wait_together_count_as_much_as_calls_in_a_row():
    """Both threads finish ten calls a second; a window of 0.55 s holds five and a half."""
    assert _rate([lambda: time.sleep(0.1)] * 2, 0.55) == pytest.approx(20, rel=0.05)
