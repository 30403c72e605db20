"""Timing of a request's stages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Collects what each stage of a request took, in order.

    Attributes
    ----------
    stages
        Milliseconds by stage.
    """

    def __init__(self, stages: dict[str, float] | None = None) -> None:
        self.stages: dict[str, float] = dict(stages or {})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside, as stage `name`."""
        started = time.perf_counter()
        yield
        self.stages[name] = (time.perf_counter() - started) * 1000
