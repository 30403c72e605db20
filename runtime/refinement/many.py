"""Refining several requests side by side, as many at a time as fit into memory and gain by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import torch

from ...data.errors import InputError
from .lockstep import take_steps
from .memory import available, saved_bytes
from .refiner import Refiner
from .step import RefinementStep

FREE_SHARE = 0.5
"""Share of the free memory that activations may take."""

LARGEST_ON_CPU = 256 * 128
"""Pixels of a picture up to which a CPU takes several requests; larger ones push each other out of its caches."""


class UnderWay(Protocol):
    """A refinement under way: a `RefinementSession`, or what holds one."""

    @property
    def refiner(self) -> Refiner:
        """The optimisation."""


Request = TypeVar("Request")
Started = TypeVar("Started", bound=UnderWay)


def refine_groups(
    requests: Sequence[Request],
    start: Callable[[Request], Started],
    together: int | None = None,
    on_step: Callable[[int, RefinementStep], object] | None = None,
) -> Iterator[Started]:
    """Refine requests group by group, and yield what `start` made of each, in order, once its steps are done.

    Parameters
    ----------
    requests
        The requests, in order.
    start
        Begins a request's refinement; called when its group's turn has come.
    together
        How many are refined at a time; None for as many as fit.
    on_step
        Called with a request's number, from 0, and its step.

    Raises
    ------
    InputError
        When `together` is out of range, or a request is unusable.
    """
    if together is not None and together < 1:
        raise InputError(f"refine_many together: {together} given; allowed: at least 1, or None for as many as fit")
    first = 0
    while first < len(requests):
        group = [start(requests[first])]
        size = together if together is not None else how_many_together(group[0].refiner)
        group += [start(request) for request in requests[first + 1 : first + size]]
        for steps in take_steps([session.refiner for session in group]):
            for number, step in enumerate(steps, start=first):
                if step is not None and on_step is not None:
                    on_step(number, step)
        first += len(group)
        yield from group


def how_many_together(refiner: Refiner) -> int:
    """Return how many requests like this one go together; at least 1.

    As many as fit into `FREE_SHARE` of the free memory, but one by one where that is faster.
    """
    programs, problem = refiner.programs, refiner.problem
    if programs.device.type == "cpu" and problem.labels[0].numel() > LARGEST_ON_CPU:
        return 1
    batch = problem.batch(0)

    def forward() -> torch.Tensor:
        with programs.autocast():
            picture = programs.paint(refiner.weights, batch.conditioning).float()
        seen = programs.examine(picture, problem.labels[batch.rows])
        return torch.stack(list(problem.terms(picture, seen, batch).values())).sum()

    # Gradients and Adam's two moments are as large as the weights.
    weights = 3 * sum(weight.nbytes for weight in refiner.weights.values())
    needed = saved_bytes(forward) + weights
    return max(1, int(FREE_SHARE * available(programs.device) / needed))
