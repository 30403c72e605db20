"""What a refinement is asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from ...data.errors import InputError

MAX_STEPS = 10_000
MAX_VIEWS = 64


@dataclass(frozen=True)
class TermWeights:
    """How much each part of the loss counts; None for what suits the bundle's conditioning.

    Parameters
    ----------
    reference
        Weight of each garment photograph, painted anew from its own labels and codes.
    kept
        Weight of the person's own photograph, painted likewise, in the classes that stay.
    lookup
        Weight of the result, where the surface lookup knows the garment's pixels.
    adversarial
        Weight of the discriminator's verdict on the result.
    """

    reference: float | None = None
    kept: float | None = None
    lookup: float | None = None
    adversarial: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 <= value < math.inf:
                raise InputError(f"refinement weight {name}: {value:g} given; allowed: 0 or more")


@dataclass(frozen=True)
class RefinementOptions:
    """Options of a refinement.

    Parameters
    ----------
    steps
        At most so many optimiser steps.
    time_budget
        At most so many seconds, the request's preparation included (the programs, which are loaded once, not); None for
        no limit.
    learning_rate
        Adam's learning rate, which falls over the last two fifths of the steps. None for what suits the bundle's
        conditioning.
    views
        How many randomly moved views of each garment photograph there are. Moving them is what makes texture carry over
        to the person; their features are computed once, and steps take them in turn.
    seed
        Seed of the views.
    patience
        Stop when the loss has not fallen by a thousandth for so many steps.
    preview_every
        Steps between two previews; 0 for none.
    always
        Refine also where it seldom gains anything; see `worth`.
    precision
        Precision of convolutions: ``"fp32"``, ``"bf16"`` or ``"auto"``, bf16 where the processor multiplies it.
    weights
        Weights of the loss's terms.

    Raises
    ------
    InputError
        When a number is out of range.
    """

    steps: int = 40
    time_budget: float | None = None
    learning_rate: float | None = None
    views: int = 8
    seed: int = 0
    patience: int = 25
    preview_every: int = 0
    always: bool = False
    precision: str = "auto"
    weights: TermWeights = field(default_factory=TermWeights)

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MAX_STEPS:
            raise InputError(f"refinement steps: {self.steps} given; allowed: 1 to {MAX_STEPS}")
        if self.time_budget is not None and not self.time_budget > 0:
            raise InputError(f"refinement time budget: {self.time_budget:g} s given; allowed: more than 0")
        if self.learning_rate is not None and not 0 < self.learning_rate <= 1:
            raise InputError(f"refinement learning rate: {self.learning_rate:g} given; allowed: above 0, up to 1")
        if not 1 <= self.views <= MAX_VIEWS:
            raise InputError(f"refinement views: {self.views} given; allowed: 1 to {MAX_VIEWS}")
        if self.patience < 1:
            raise InputError(f"refinement patience: {self.patience} given; allowed: at least 1")
        if self.preview_every < 0:
            raise InputError(f"refinement preview_every: {self.preview_every} given; allowed: at least 0")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"refinement seed: {self.seed} given; allowed: 0 to 2^63 - 1")
        if self.precision not in ("auto", "fp32", "bf16"):
            raise InputError(f"refinement precision {self.precision!r}; allowed: auto, fp32, bf16")

    def suited_to(self, conditioning: str) -> RefinementOptions:
        """Return the same with what was left open filled in for a bundle's conditioning.

        A generator with ``codes`` never saw the lookup, and has to be taught it; one with ``surface`` sees it, already
        cleans it better than it is, and learns most from the garment's own photograph.
        """
        rate, weights = SUITED[conditioning]
        given = {name: value for name, value in vars(self.weights).items() if value is not None}
        return replace(self, learning_rate=self.learning_rate or rate, weights=replace(weights, **given))


def resolve_options(
    steps: int | None = None, time_budget: float | None = None, options: RefinementOptions | None = None
) -> RefinementOptions:
    """Return the options of a call that takes either a few of them or all at once.

    Parameters
    ----------
    steps
        At most so many optimiser steps; None for the default, 40.
    time_budget
        At most so many seconds; None for no limit.
    options
        All options at once, instead.

    Raises
    ------
    InputError
        When both are given, or one is out of range.

    Examples
    --------
    >>> resolve_options(steps=5).steps
    5
    >>> resolve_options().steps
    40
    """
    given = {name: value for name, value in (("steps", steps), ("time_budget", time_budget)) if value is not None}
    if options is not None and given:
        told = ", ".join(f"{name}={value:g}" for name, value in given.items())
        raise InputError(f"options and {told} given; allowed: one or the other; use RefinementOptions({told}, ...)")
    if options is not None:
        return options
    return RefinementOptions(steps=RefinementOptions.steps if steps is None else steps, time_budget=time_budget)


SUITED = {
    "codes": (3e-3, TermWeights(reference=0.3, kept=0.3, lookup=3.0, adversarial=0.1)),
    "surface": (3e-3, TermWeights(reference=1.0, kept=0.5, lookup=0.0, adversarial=0.1)),
}
"""Learning rate and weights by conditioning."""
