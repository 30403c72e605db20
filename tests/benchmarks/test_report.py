import pytest

from oviton.benchmarks.report import fitted_line


def test_a_line_is_fitted_through_times_by_size():
    seconds = {n: [0.010 + 0.002 * n] * 5 for n in (1, 2, 4, 8)}
    line = fitted_line("small", "clients", seconds, base=2)
    assert line.slope.value == pytest.approx(2)
    assert line.intercept.value == pytest.approx(10)
    assert line.relative.value == pytest.approx(2 / 14)
    assert [ms.value for ms in line.ms] == pytest.approx([12, 14, 18, 26])
