"""Refinement's own figures among Triton's Prometheus metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..outfit_store import OutfitStore

RESULTS = ("accepted", "rejected", "cancelled", "failed")


class RefinementMetrics:
    """Counters and gauges. How many requests wait is Triton's own ``nv_inference_pending_request_count``.

    Parameters
    ----------
    store
        Whose outfits are counted.
    """

    def __init__(self, store: OutfitStore) -> None:
        import triton_python_backend_utils as pb_utils

        def family(name: str, description: str, kind: Any) -> Any:
            made = pb_utils.MetricFamily(name=name, description=description, kind=kind)
            self._families.append(made)  # a metric ends with its family
            return made

        counter, gauge = pb_utils.MetricFamily.COUNTER, pb_utils.MetricFamily.GAUGE
        self._families: list[Any] = []
        self._store = store
        self._steps = family("oviton_refinement_steps_total", "Refinement steps taken", counter).Metric(labels={})
        self._seconds = family(
            "oviton_refinement_seconds_total", "Seconds spent on refinements, preparation included", counter
        ).Metric(labels={})
        requests = family("oviton_refinement_requests_total", "Refinements by their result", counter)
        self._requests = {result: requests.Metric(labels={"result": result}) for result in RESULTS}
        self._running = family("oviton_refinement_running", "1 while a refinement runs", gauge).Metric(labels={})
        self._outfits = family("oviton_outfits", "Refined outfits kept on disk", gauge).Metric(labels={})
        self._bytes = family("oviton_outfits_bytes", "Bytes of refined outfits on disk", gauge).Metric(labels={})
        self._count_outfits()

    def step(self) -> None:
        """Count a step."""
        self._steps.increment(1)

    @contextmanager
    def running(self) -> Iterator[list[str]]:
        """Time a refinement; the last result in the list that is yielded is counted."""
        started, result = time.perf_counter(), list[str]()
        self._running.set(1)
        try:
            yield result
        finally:
            self._seconds.increment(time.perf_counter() - started)
            self._requests[result[-1] if result else "failed"].increment(1)
            self._count_outfits()
            self._running.set(0)  # last: whoever sees it idle finds everything counted

    def _count_outfits(self) -> None:
        count, size = self._store.usage()
        self._outfits.set(count)
        self._bytes.set(size)
