"""`Refinement`: one request's refinement, as callers of `TryOn` hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .dressing import Dressing, Look
from .report import Setting
from .stage_clock import StageClock

if TYPE_CHECKING:
    from .refinement.refined_weights import RefinedWeights
    from .refinement.refiner import Refiner
    from .refinement.session import RefinementSession
    from .refinement.step import RefinementStep


@dataclass(frozen=True)
class Refinement:
    """A refinement under way. Iterate over it for its steps; stop whenever the look is good enough.

    Made by `TryOn.refinement`. Nothing runs between two steps, so whoever stops iterating leaves nothing behind.

    Parameters
    ----------
    session
        The refinement itself.
    dressing
        The request, whose clock has timed the feed-forward pass.
    setting
        What the graphs run on.
    """

    session: RefinementSession
    dressing: Dressing
    setting: Setting

    @property
    def refiner(self) -> Refiner:
        """The optimisation."""
        return self.session.refiner

    def __iter__(self) -> Iterator[RefinementStep]:
        """Take the steps, one by one."""
        return iter(self.session)

    def look(self) -> Look:
        """Return the better of the refined and the feed-forward result."""
        refined, clock = self.session.result(), StageClock(self.dressing.clock.stages)
        clock.stages["refinement"] = refined.seconds * 1000 - sum(clock.stages.values())
        values = self.session.tensors(clock.stage)
        dressing = replace(self.dressing, clock=clock)
        return dressing.look(self.setting, values, refinement=self.session.report(), weights=refined.weights)

    def outfit(self) -> RefinedWeights:
        """Return the refined weights, packed to be saved and worn again; see `TryOn.load_weights`.

        Raises
        ------
        InputError
            When the refinement was not accepted.
        """
        return self.session.outfit()
