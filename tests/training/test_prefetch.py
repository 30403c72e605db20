import threading

import pytest

from oviton.training.prefetch import Prefetcher


def test_results_come_in_order():
    with Prefetcher(lambda step: step * 2, 3, 9) as results:
        assert [results.take() for _ in range(6)] == [6, 8, 10, 12, 14, 16]


def test_errors_are_raised_where_they_are_awaited():
    def make(step):
        if step == 1:
            raise ValueError("no")
        return step

    with Prefetcher(make, 0, 5) as results:
        assert results.take() == 0
        with pytest.raises(ValueError, match="no"):
            results.take()


def test_closing_ends_the_thread_whatever_it_waits_for():
    before = threading.active_count()
    made = []
    with Prefetcher(made.append, 0, 1000, ahead=2):
        pass
    assert threading.active_count() == before
    assert len(made) < 1000
