"""`Refinement`: one request's refinement, as callers hold it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from ...engines.engine_set import EngineSet
from ..report import RefinementReport
from ..stage_clock import StageClock
from .outfit_weights import OutfitWeights, pack
from .refiner import Refined, Refiner
from .step import RefinementStep

if TYPE_CHECKING:
    from ..dressing import Look

Finish = Callable[
    [StageClock, Mapping[str, Any], RefinementReport, "dict[str, npt.NDArray[np.float32]] | None"], "Look"
]
"""Makes a look of the clock, all tensors, the report and the refined weights."""


class Refinement:
    """A refinement under way. Iterate over it for its steps; stop whenever the look is good enough.

    Made by `TryOn.refinement`. Nothing runs between two steps, so whoever stops iterating leaves nothing behind.

    Parameters
    ----------
    engines
        The loaded engines.
    refiner
        The optimisation.
    values
        Every tensor of the feed-forward pass, N = 1.
    clock
        What the feed-forward pass took.
    finish
        Makes the look.
    """

    def __init__(
        self, engines: EngineSet, refiner: Refiner, values: Mapping[str, Any], clock: StageClock, finish: Finish
    ) -> None:
        self.refiner = refiner
        self._engines, self._values, self._clock, self._finish = engines, values, clock, finish
        self._refined: Refined | None = None

    def __iter__(self) -> Iterator[RefinementStep]:
        """Take the steps, one by one."""
        return iter(self.refiner)

    def look(self) -> Look:
        """Return the better of the refined and the feed-forward result."""
        refined = self._result()
        values, clock = dict(self._values), StageClock(self._clock.stages)
        clock.stages["refinement"] = refined.seconds * 1000 - sum(clock.stages.values())
        if refined.picture is not None:
            values["generated"] = refined.picture[None]
            compositor = self._engines["compositor"]
            with clock.stage("compositor"):
                values |= compositor(**{spec.name: values[spec.name] for spec in compositor.inputs})
        report = refinement_report(refined)
        return self._finish(clock, values, report, refined.weights)

    def outfit(self) -> OutfitWeights:
        """Return the refined weights, packed to be saved and served; see `TryOn.serve`.

        Raises
        ------
        InputError
            When the refinement was not accepted.
        """
        refined = self._result()
        if refined.weights is None:
            raise InputError(f"there is no refined outfit to keep: {refined.reason}")
        return pack(self._engines.bundle, refined.weights, np.asarray(self._values["source"][0]), self.refiner.paint)

    def _result(self) -> Refined:
        now = (self.refiner.steps, self.refiner.stopped)
        if self._refined is None or (self._refined.steps, self._refined.stopped) != now:
            self._refined = self.refiner.result()
        return self._refined


def refinement_report(refined: Refined) -> RefinementReport:
    """Return what a refinement did, for reports."""
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


def _rounded(losses: Mapping[str, float]) -> dict[str, float]:
    """Round for reports; JSON has no NaN."""
    return {name: round(value, 4) for name, value in losses.items() if math.isfinite(value)}
