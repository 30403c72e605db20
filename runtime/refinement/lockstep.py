"""Steps of one or several refinements, side by side.

Every request has its own weights, and so its own pass through the generator; the frozen networks look at the pictures
of all requests at once, and one backward pass serves all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .problem import Batch

if TYPE_CHECKING:
    from .refiner import Refiner
    from .step import RefinementStep

GRADIENT_LIMIT = 5.0

Outcome = tuple[dict[str, Tensor], Tensor]
"""A request's terms of the loss, and the norm of its gradients."""


def take_steps(refiners: Sequence[Refiner]) -> Iterator[list[RefinementStep | None]]:
    """Take steps of several refinements of one bundle together, until each has stopped.

    Yields
    ------
    list
        Each refinement's step, in the order given; None for those that have stopped.
    """
    while True:
        begun = time.perf_counter()
        batches = [refiner.begin() for refiner in refiners]
        active = [(refiner, batch) for refiner, batch in zip(refiners, batches, strict=True) if batch is not None]
        if not active:
            return
        outcomes = iter(forward_backward([refiner for refiner, _ in active], [batch for _, batch in active]))
        steps = [
            refiner.update(*next(outcomes), begun) if batch is not None else None
            for refiner, batch in zip(refiners, batches, strict=True)
        ]
        if any(step is not None for step in steps):
            yield steps


def forward_backward(refiners: Sequence[Refiner], batches: Sequence[Batch]) -> list[Outcome]:
    """Paint, look, and leave the gradients of every request's loss in its weights."""
    programs = refiners[0].programs
    pictures = []
    for refiner, batch in zip(refiners, batches, strict=True):
        with programs.autocast():
            pictures.append(programs.paint(refiner.weights, batch.conditioning).float())
    labels = [refiner.problem.labels[batch.rows] for refiner, batch in zip(refiners, batches, strict=True)]
    seen = programs.examine(torch.cat(pictures), torch.cat(labels))
    terms, first = [], 0
    for refiner, batch, picture in zip(refiners, batches, pictures, strict=True):
        own = seen.of(slice(first, first + len(picture)))
        terms.append(refiner.problem.terms(picture, own, batch))
        first += len(picture)
    loss = torch.stack([term for found in terms for term in found.values()]).sum()
    for refiner in refiners:
        refiner.memory.sample()  # now every activation is held
        for weight in refiner.weights.values():
            weight.grad = None
    loss.backward()  # type: ignore[no-untyped-call]
    sizes = [torch.nn.utils.clip_grad_norm_(refiner.weights.values(), GRADIENT_LIMIT) for refiner in refiners]
    return list(zip(terms, sizes, strict=True))
