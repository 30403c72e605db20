"""Steps of one or several refinements, side by side.

Every request has its own weights, and so its own pass through the generator; the frozen networks look at the pictures
of all requests at once, and one backward pass serves all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .problem import Batch
from .refiner import Refiner
from .step import RefinementStep

GRADIENT_LIMIT = 5.0

Outcome = tuple[dict[str, Tensor], Tensor]
"""A request's terms of the loss, and the norm of its gradients."""


def take_steps(refiners: Sequence[Refiner], *, capture: bool | None = None) -> Iterator[list[RefinementStep | None]]:
    """Take steps of several refinements of one bundle together, until each has stopped.

    Parameters
    ----------
    refiners
        At least one.
    capture
        Whether a step is captured as a CUDA graph and replayed; by default on CUDA, where there are steps enough.

    Yields
    ------
    list
        Each refinement's step, in the order given; None for those that have stopped.
    """
    if capture is None:
        enough = max(refiner.problem.options.steps for refiner in refiners) > 2 * CapturedStep.WARM_UP
        capture = refiners[0].programs.device.type == "cuda" and enough
    captured: CapturedStep | None = None
    while True:
        begun = time.perf_counter()
        batches = [refiner.begin() for refiner in refiners]
        active = [(refiner, batch) for refiner, batch in zip(refiners, batches, strict=True) if batch is not None]
        if not active:
            return
        stepping, seen = [refiner for refiner, _ in active], [batch for _, batch in active]
        if capture:
            if captured is None or captured.refiners != stepping:
                captured = CapturedStep(stepping, seen)
            outcomes = iter(captured(seen))
        else:
            outcomes = iter(forward_backward(stepping, seen))
        steps = [
            refiner.update(*next(outcomes), begun) if batch is not None else None
            for refiner, batch in zip(refiners, batches, strict=True)
        ]
        if any(step is not None for step in steps):
            yield steps


class CapturedStep:
    """One step's passes as a CUDA graph, replayed with new pictures.

    The optimiser's own update stays outside: between the two is where NaN is noticed, and it is one kernel.

    Parameters
    ----------
    refiners
        The refinements that take the step.
    batches
        The pictures that each looks at; only their shapes count.
    """

    WARM_UP = 3
    """Passes on a stream of their own before the capture, as CUDA graphs ask for."""

    def __init__(self, refiners: Sequence[Refiner], batches: Sequence[Batch]) -> None:
        self.refiners = list(refiners)
        self._batches = [Batch(batch.rows.clone(), batch.conditioning.clone()) for batch in batches]
        device = refiners[0].programs.device
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(self.WARM_UP):
                forward_backward(self.refiners, self._batches)
        torch.cuda.current_stream(device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may go on using the GPU meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outcomes = forward_backward(self.refiners, self._batches)

    def __call__(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Do the same for other pictures; the outcome is overwritten by the next call."""
        for own, given in zip(self._batches, batches, strict=True):
            own.rows.copy_(given.rows)
            own.conditioning.copy_(given.conditioning)
        self._graph.replay()
        return self._outcomes


def forward_backward(refiners: Sequence[Refiner], batches: Sequence[Batch]) -> list[Outcome]:
    """Paint, look, and leave the gradients of every request's loss in its weights."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        return _forward_backward(refiners, batches)


def _forward_backward(refiners: Sequence[Refiner], batches: Sequence[Batch]) -> list[Outcome]:
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
