"""One request's refinement, from feed-forward tensors to the better of the two results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from ...bundle.pipeline import Stage
from ...data.errors import InputError
from ...engines.engine_set import EngineSet
from ..report import RefinementReport
from .lockstep import take_steps
from .options import RefinementOptions
from .problem import Problem
from .programs import Programs
from .refined_weights import RefinedWeights, pack
from .refiner import Refined, Refiner
from .step import RefinementStep


class RefinementSession:
    """A refinement under way. Iterate over it for its steps; stop whenever the result is good enough.

    Nothing runs between two steps, so whoever stops iterating leaves nothing behind.

    Parameters
    ----------
    engines
        The loaded engines, with the bundle's own weights.
    programs
        The bundle's differentiable programs.
    values
        Every tensor of the feed-forward pass by name, N = 1.
    options
        The refinement's options; None for the defaults.
    names
        What messages call the garment photographs, in order.
    started
        `time.perf_counter` when the request began, from which the time budget counts; None for now.

    Raises
    ------
    InputError
        When a garment is too small in its photograph.
    """

    def __init__(
        self,
        engines: EngineSet,
        programs: Programs,
        values: Mapping[str, Any],
        options: RefinementOptions | None = None,
        *,
        names: Sequence[str] = (),
        started: float | None = None,
    ) -> None:
        problem = Problem(engines, programs, values, options or RefinementOptions(), names)
        self.refiner = Refiner(problem, started)
        self._engines, self._values = engines, values
        self._refined: Refined | None = None

    def __iter__(self) -> Iterator[RefinementStep]:
        """Take the steps, one by one."""
        for steps in take_steps([self.refiner]):
            yield from (step for step in steps if step is not None)

    def result(self) -> Refined:
        """Compare refined and feed-forward weights, and return the better."""
        now = (self.refiner.steps, self.refiner.stopped)
        if self._refined is None or (self._refined.steps, self._refined.stopped) != now:
            self._refined = self.refiner.result()
        return self._refined

    def tensors(self, stage: Stage = nullcontext) -> dict[str, Any]:
        """Return every tensor of the better result by name, N = 1.

        Parameters
        ----------
        stage
            A context manager for the run of each graph after the generator, made of the graph's name. Default: none.
        """
        values, picture = dict(self._values), self.result().picture
        if picture is None:
            return values
        family = self._engines.bundle.manifest.steps
        assert family.refined is not None
        return self._engines.pipeline.run({**values, "generated": picture[None]}, family.after(family.refined), stage)

    def report(self) -> RefinementReport:
        """Return what the refinement did."""
        refined = self.result()
        return RefinementReport(
            accepted=refined.picture is not None,
            reason=refined.reason,
            steps=refined.steps,
            seconds=round(refined.seconds, 3),
            stopped=refined.stopped,
            losses_before=_rounded(refined.before),
            losses_after=_rounded(refined.after),
            texture_before=round(refined.texture[0], 4),
            texture_after=round(refined.texture[1], 4),
            peak_memory_mb=round(refined.peak_memory_mb, 1),
        )

    def outfit(self) -> RefinedWeights:
        """Return the refined weights, packed to be saved and served; see `TryOn.load_weights`.

        Raises
        ------
        InputError
            When the refinement was not accepted.
        """
        refined = self.result()
        if refined.weights is None:
            raise InputError(f"there is no refined outfit to keep: {refined.reason}")
        return pack(self._engines.bundle, refined.weights, np.asarray(self._values["source"][0]), self.refiner.paint)


def _rounded(losses: Mapping[str, float]) -> dict[str, float]:
    """Round for reports; JSON has no NaN."""
    return {name: round(value, 4) for name, value in losses.items() if math.isfinite(value)}
