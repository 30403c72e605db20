"""The optimisation itself: Adam on a copy of the appearance generator's weights, one request at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...data.images import UInt8Array
from .memory import PeakMemory
from .options import RefinementOptions
from .problem import Batch, Problem
from .step import RefinementStep
from .worth import doubt

BETAS = (0.9, 0.99)
FALL_FROM = 0.6
"""Share of the steps after which the learning rate falls."""

NOTABLE = 1e-3
"""Relative fall of the loss that counts as one."""


@dataclass(frozen=True)
class Refined:
    """What a refinement ends with.

    Parameters
    ----------
    weights
        The generator's new weights, FP32 by PyTorch name; None when the feed-forward result is better.
    picture
        The painted frame, uint8 `[H, W, 3]`; None likewise.
    steps
        Steps taken.
    seconds
        Seconds since the request began.
    stopped
        Why it ended: ``"steps"``, ``"plateau"``, ``"time"``, ``"cancelled"``, ``"not worthwhile"``, ``"not a number"``.
    before, after
        The loss, by term, of the feed-forward and of the refined weights, on the unmoved photographs.
    texture
        Distance of the feed-forward and of the refined result from what the surface lookup knows.
    reason
        Why the feed-forward result stays; empty when it does not.
    peak_memory_mb
        The most memory in use at a step, in MiB; see `PeakMemory`.
    """

    weights: dict[str, npt.NDArray[np.float32]] | None
    picture: UInt8Array | None
    steps: int
    seconds: float
    stopped: str
    before: dict[str, float]
    after: dict[str, float]
    texture: tuple[float, float]
    reason: str
    peak_memory_mb: float


class Refiner:
    """Optimise the generator for one request: `take_steps`, then ask for `result`.

    Parameters
    ----------
    problem
        The request, with its options and the bundle's programs.
    started
        `time.perf_counter` when the request began; the time budget counts from there. None for now.
    """

    def __init__(self, problem: Problem, started: float | None = None) -> None:
        self.problem, self.programs = problem, problem.programs
        self.started = time.perf_counter() if started is None else started
        self.weights = self.programs.weights()
        self.stopped = "cancelled"
        self.steps = 0
        self.memory = PeakMemory(self.programs.device)
        self._optimizer = torch.optim.Adam(self.weights.values(), lr=_rate(problem.options, 0), betas=BETAS, fused=True)
        self._best, self._since = math.inf, 0
        self._good: list[Tensor] = []
        """The weights that the last loss and gradients, which were numbers, belong to."""
        self._prepared = time.perf_counter() - self.started
        begun = time.perf_counter()
        self._before = self._judge(self.weights)
        # A step also goes backwards, which takes about twice as long as forwards.
        self._slowest = 3 * (time.perf_counter() - begun)

    def begin(self) -> Batch | None:
        """Return what the next step looks at; None when there is none, and `stopped` says why."""
        options = self.problem.options
        if self.stopped != "cancelled":
            return None
        if not self.steps and self._doubt():
            self.stopped = "not worthwhile"
        elif self.steps >= options.steps:
            self.stopped = "steps"
        elif self._since >= options.patience:
            self.stopped = "plateau"
        elif self._would_be_late():
            self.stopped = "time"
        if self.stopped != "cancelled":
            return None
        for group in self._optimizer.param_groups:
            group["lr"] = _rate(options, self.steps)
        return self.problem.batch(1 + self.steps % options.views)

    def update(self, terms: Mapping[str, Tensor], size: Tensor, begun: float) -> RefinementStep | None:
        """Move the weights along their gradients, unless something is not a number; then stop.

        Parameters
        ----------
        terms
            The weighted terms of the loss, by name.
        size
            Norm of the gradients, before they were clipped.
        begun
            `time.perf_counter` when the step began.
        """
        values = torch.stack([term.detach().float() for term in (*terms.values(), size)]).tolist()
        if not all(map(math.isfinite, values)):
            self.stopped = "not a number"
            self._take_back()
            return None
        self._good = [weight.detach().clone() for weight in self.weights.values()]
        self._optimizer.step()
        self.steps += 1
        taken = time.perf_counter() - begun
        self._slowest = taken if self.steps == 1 else max(self._slowest, taken)
        losses = {"loss": sum(values[:-1]), **dict(zip(terms, values, strict=False))}
        if losses["loss"] < self._best * (1 - NOTABLE):
            self._best, self._since = losses["loss"], 0
        else:
            self._since += 1
        return RefinementStep(self.steps, losses, self._preview(), time.perf_counter() - self.started)

    def _take_back(self) -> None:
        """Undo the last update: what it made was not a number, or led to what is none."""
        with torch.no_grad():
            for weight, good in zip(self.weights.values(), self._good, strict=False):  # before the first there are none
                weight.copy_(good)

    def _doubt(self) -> str:
        return doubt(self.problem, self._before.losses["reference"])

    def _would_be_late(self) -> bool:
        budget = self.problem.options.time_budget
        return budget is not None and time.perf_counter() + self._slowest - self.started > budget

    def paint(self, weights: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Paint the result with other weights: `[3, H, W]` in [-1, 1], FP32."""
        with torch.no_grad():
            given = {name: self.programs.tensor(value) for name, value in weights.items()}
            picture = self.programs.paint(given, self.problem.conditioning[-1:])
            found: npt.NDArray[np.float32] = picture[0].float().cpu().numpy()
            return found

    def result(self) -> Refined:
        """Compare refined and feed-forward weights, and return the better."""
        before = after = self._before
        if self.steps:
            after = self._judge(self.weights)
            if not math.isfinite(after.losses["loss"]):
                self.stopped = "not a number"
                self._take_back()
                after = self._judge(self.weights)
        reason = self._objection(before, after)
        weights = picture = None
        if not reason:
            weights = {name: value.detach().float().cpu().numpy().copy() for name, value in self.weights.items()}
            picture = _to_uint8(after.picture)
        return Refined(
            weights,
            picture,
            self.steps,
            time.perf_counter() - self.started,
            self.stopped,
            before.losses,
            after.losses,
            (before.texture, after.texture),
            reason,
            self.memory.megabytes,
        )

    def _objection(self, before: _Judgement, after: _Judgement) -> str:
        """Return why the refined weights must not be used; empty when they may."""
        if not self.steps:
            reasons = {
                "time": f"of the time budget of {self.problem.options.time_budget or 0:g} s, preparation took "
                f"{self._prepared:.1f} s, and a step may take {self._slowest:.1f} s",
                "not a number": "the loss is not a number",
                "not worthwhile": self._doubt(),
            }
            return reasons.get(self.stopped, "no step was taken")
        if not math.isfinite(after.losses["loss"]):
            return "the loss is not a number"
        if after.losses["loss"] >= before.losses["loss"]:
            return f"the loss rose from {before.losses['loss']:.3f} to {after.losses['loss']:.3f}"
        if after.texture > before.texture:
            return f"the garment's texture got lost: {before.texture:.3f} to {after.texture:.3f} from the photograph's"
        return ""

    def _judge(self, weights: dict[str, Tensor]) -> _Judgement:
        """Measure weights on the unmoved photographs, painted in FP32."""
        with torch.no_grad():
            batch = self.problem.batch(0)
            parts = [self.programs.paint(weights, part) for part in torch.split(batch.conditioning, 1)]
            picture = torch.cat(parts).float()
            seen = self.programs.examine(picture, self.problem.labels[batch.rows], precise=True)
            terms = {name: float(term) for name, term in self.problem.terms(picture, seen, batch).items()}
            result = picture[-1:]
            return _Judgement({"loss": sum(terms.values()), **terms}, self.problem.texture_distance(result), result)

    def _preview(self) -> UInt8Array | None:
        every = self.problem.options.preview_every
        if not every or self.steps % every:
            return None
        with torch.no_grad(), self.programs.autocast():
            return _to_uint8(self.programs.paint(self.weights, self.problem.conditioning[-1:]).float())


@dataclass(frozen=True)
class _Judgement:
    losses: dict[str, float]
    texture: float
    picture: Tensor


def _rate(options: RefinementOptions, step: int) -> float:
    """Return the learning rate: constant, then half a cosine down to a twentieth."""
    share = (step / options.steps - FALL_FROM) / (1 - FALL_FROM)
    fall = 0.5 + 0.5 * math.cos(math.pi * max(0.0, share))
    assert options.learning_rate is not None
    return options.learning_rate * max(0.05, fall)


def _to_uint8(picture: Tensor) -> UInt8Array:
    """Turn `[1, 3, H, W]` in [-1, 1] into uint8 `[H, W, 3]`, rounded as the graphs do."""
    values = ((picture[0].clamp(-1, 1) + 1) * 127.5 + 0.5).floor().clamp(0, 255)
    found: UInt8Array = values.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    return found
