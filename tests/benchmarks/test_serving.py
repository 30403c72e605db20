import time

import pytest

from oviton.benchmarks.serving.costs import calls_per_second, share_inside


@pytest.mark.parametrize(
    ("span", "share"), [((2, 4), 1), ((0, 2), 0.5), ((9, 11), 0.5), ((0, 1), 0), ((12, 13), 0), ((0, 20), 0.45)]
)
def test_a_call_counts_by_its_share_of_the_window(span, share):
    assert share_inside(span, 1, 10) == pytest.approx(share)


def test_every_thread_counts():
    """Never more than ten calls a second each; how many fewer is up to how busy the machine is."""
    assert 10 < calls_per_second([lambda: time.sleep(0.1)] * 2, 0.55) < 20.5
