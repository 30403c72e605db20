"""The optimisation itself: Adam on a copy of the appearance generator's weights, one request at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...data.images import UInt8Array
from .options import RefinementOptions
from .problem import Problem
from .programs import Programs
from .step import RefinementStep

BETAS = (0.9, 0.99)
GRADIENT_LIMIT = 5.0
FALL_FROM = 0.6
"""Share of the steps after which the learning rate falls."""

NOTABLE = 1e-3
"""Relative fall of the loss that counts as one."""


TOLERANCE = 1.0
"""The refined texture may be at most so many times as far from the lookup as the feed-forward one."""


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
        In all.
    stopped
        Why it ended: ``"steps"``, ``"plateau"``, ``"time"``, ``"cancelled"``, ``"not a number"``.
    before, after
        The loss, by term, of the feed-forward and of the refined weights, on the unmoved photographs.
    texture
        Distance of the feed-forward and of the refined result from what the surface lookup knows.
    reason
        Why the feed-forward result stays; empty when it does not.
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


class Refiner:
    """Optimise the generator for one request. Iterate over it for its steps, then ask for `result`.

    Parameters
    ----------
    programs
        The bundle's programs.
    problem
        The request.
    options
        What was asked for.
    started
        `time.perf_counter` when the request began; the time budget counts from there.
    """

    def __init__(
        self, programs: Programs, problem: Problem, options: RefinementOptions, started: float | None = None
    ) -> None:
        self.programs, self.problem, self.options = programs, problem, options
        self.started = time.perf_counter() if started is None else started
        self.weights = programs.weights()
        self.stopped = "cancelled"
        self.steps = 0
        begun = time.perf_counter()
        self._before = self._judge(self.weights)
        # A step also goes backwards, which takes about twice as long as forwards.
        self._slowest = 3 * (time.perf_counter() - begun)

    def __iter__(self) -> Iterator[RefinementStep]:
        """Take the steps one by one; stop iterating to cancel."""
        options, problem = self.options, self.problem
        optimizer = torch.optim.Adam(self.weights.values(), lr=options.learning_rate, betas=BETAS, fused=True)
        best, since = math.inf, 0
        while self.steps < options.steps:
            begun = time.perf_counter()
            if options.time_budget is not None and begun + self._slowest - self.started > options.time_budget:
                self.stopped = "time"
                return
            for group in optimizer.param_groups:
                group["lr"] = _rate(options, self.steps)
            batch = problem.batch(1 + self.steps % options.views)
            with self.programs.autocast():
                picture = self.programs.paint(self.weights, batch.conditioning)
            terms = problem.terms(picture.float(), batch)
            loss = torch.stack(list(terms.values())).sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            size = torch.nn.utils.clip_grad_norm_(self.weights.values(), GRADIENT_LIMIT)
            if not (math.isfinite(loss.item()) and math.isfinite(float(size))):
                self.stopped = "not a number"
                return
            optimizer.step()
            self.steps += 1
            taken = time.perf_counter() - begun
            self._slowest = taken if self.steps == 1 else max(self._slowest, taken)
            losses = {"loss": loss.item(), **{name: float(term.detach()) for name, term in terms.items()}}
            yield RefinementStep(self.steps, losses, self._preview(), time.perf_counter() - self.started)
            if losses["loss"] < best * (1 - NOTABLE):
                best, since = losses["loss"], 0
            else:
                since += 1
            if since >= options.patience:
                self.stopped = "plateau"
                return
        self.stopped = "steps"

    def paint(self, weights: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Paint the result with other weights: `[3, H, W]` in [-1, 1], FP32."""
        with torch.no_grad():
            given = {name: self.programs.tensor(value) for name, value in weights.items()}
            picture = self.programs.paint(given, self.problem.conditioning[-1:])
            found: npt.NDArray[np.float32] = picture[0].float().cpu().numpy()
            return found

    def result(self) -> Refined:
        """Compare refined and feed-forward weights, and return the better."""
        before, after = self._before, self._judge(self.weights)
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
        )

    def _objection(self, before: _Judgement, after: _Judgement) -> str:
        """Return why the refined weights must not be used; empty when they may."""
        if not self.steps:
            reasons = {"time": "the time budget is shorter than one step", "not a number": "the loss is not a number"}
            return reasons.get(self.stopped, "no step was taken")
        if not math.isfinite(after.losses["loss"]):
            return "the loss is not a number"
        if after.losses["loss"] >= before.losses["loss"]:
            return f"the loss rose from {before.losses['loss']:.3f} to {after.losses['loss']:.3f}"
        if after.texture > TOLERANCE * before.texture:
            return f"the garment's texture got lost: {before.texture:.3f} to {after.texture:.3f} from the photograph's"
        return ""

    def _judge(self, weights: dict[str, Tensor]) -> _Judgement:
        """Measure weights on the unmoved photographs, painted in FP32."""
        with torch.no_grad():
            batch = self.problem.batch(0)
            parts = [self.programs.paint(weights, part) for part in torch.split(batch.conditioning, 1)]
            picture = torch.cat(parts).float()
            terms = {name: float(term) for name, term in self.problem.terms(picture, batch).items()}
            result = picture[-1:]
            return _Judgement({"loss": sum(terms.values()), **terms}, self.problem.texture_distance(result), result)

    def _preview(self) -> UInt8Array | None:
        every = self.options.preview_every
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
    return options.learning_rate * max(0.05, fall)


def _to_uint8(picture: Tensor) -> UInt8Array:
    """Turn `[1, 3, H, W]` in [-1, 1] into uint8 `[H, W, 3]`, rounded as the graphs do."""
    values = ((picture[0].clamp(-1, 1) + 1) * 127.5 + 0.5).floor().clamp(0, 255)
    found: UInt8Array = values.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    return found
