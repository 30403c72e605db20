"""Fixtures of the pytest-benchmark suites; run ``pytest benchmarks/pytest_suites``.

pytest-benchmark times one case after the other: good for watching one case while working on it. What is compared
should take turns, as `oviton bench` lets it.
"""

from __future__ import annotations

import pytest

from oviton.benchmarks.bench import Bench, BenchOptions


@pytest.fixture(scope="session")
def bench():
    """Load the shipped bundle's engines, each once."""
    with Bench(BenchOptions(quick=True)) as made:
        yield made


@pytest.fixture(scope="session")
def bundle(bench):
    """Return the shipped bundle."""
    return bench.bundles[0]
