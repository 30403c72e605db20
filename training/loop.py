"""Training of one network without an adversary, resumable at any step."""

from __future__ import annotations

import copy
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from ..data.errors import GateError
from ..networks.precision import Precision
from .prefetch import Prefetcher
from .run_guard import stop_requests
from .state import check_settings, moments, named_tensors, read_state, restore_moments, write_state
from .training_log import means, told

WARM_UP = 100
DECAY_FROM = 0.4
"""The share of the steps after which the learning rate falls to 0."""

AVERAGE = 0.998
GRADIENT_LIMIT = 5.0
LOG_EVERY = 20
STATE_NAME = "state.safetensors"

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class LoopOptions:
    """Options of one training run.

    Parameters
    ----------
    output
        Where the state and the averaged weights are written.
    steps
        Optimiser steps in all.
    batch
        Samples a step.
    seed
        Seed of the weights and of every random choice.
    learning_rate
        The highest learning rate.
    save_every
        Steps between two saves.
    until
        Stop at this step, to go on otherwise. Default: None, at the end.
    precision
        ``"fp32"``, or ``"bf16"`` for the network's products, where the processor has them.
    """

    output: Path
    steps: int = 10_000
    batch: int = 8
    seed: int = 0
    learning_rate: float = 2e-3
    save_every: int = 50
    until: int | None = None
    precision: Precision = "fp32"

    def autocast(self) -> AbstractContextManager[Any]:
        """Return what the network runs in."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16")

    def settings(self) -> dict[str, Any]:
        """Return what must stay the same for a run to be resumed, as JSON values."""
        return {"seed": self.seed, "batch": self.batch}


class TrainingLoop(ABC, Generic[N]):
    """One run.

    Every random choice of a step follows from the seed and the step's number, so a resumed run makes the same ones
    as long as the data is the same.

    Parameters
    ----------
    options
        What to do.
    network
        What to train, with the weights that a new run starts from.
    """

    weights: ClassVar[Mapping[str, float]]
    """How much each term of the loss counts."""

    def __init__(self, options: LoopOptions, network: N) -> None:
        self.options = options
        self.state_path = options.output / STATE_NAME
        saved = read_state(self.state_path) if self.state_path.exists() else None
        self.network = network
        if saved is None:
            self.start()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.groups(), weight_decay=0.01, fused=True)
        self.step = 0
        if saved is not None:
            check_settings(self.state_path, saved.settings, options.settings())
            for key, module in (("raw", self.network), ("average", self.average)):
                prefix = f"{key}."
                module.load_state_dict(
                    {name.removeprefix(prefix): t for name, t in saved.tensors.items() if name.startswith(prefix)}
                )
            restore_moments("adam", self.network, self.optimizer, saved.tensors)
            self.step = saved.step

    def start(self) -> None:
        """Give the network the weights that a new run starts from. By default those that it has."""

    def groups(self) -> list[dict[str, Any]]:
        """Return what learns: parameters, and their ``share`` of the learning rate. By default all alike."""
        return [{"params": list(self.network.parameters()), "share": 1.0}]

    @abstractmethod
    def draw(self, step: int) -> dict[str, Any]:
        """Return a step's samples; called in another thread."""

    @abstractmethod
    def terms(self, raw: dict[str, Any]) -> dict[str, Tensor]:
        """Return the terms of the loss, not weighted."""

    @abstractmethod
    def data(self) -> str:
        """Say what is learned from."""

    @abstractmethod
    def write(self, network: N, folder: Path, trained: str) -> None:
        """Write the averaged weights, with a line on how they were trained."""

    def run(self) -> None:
        """Train until all steps are done or somebody stops it."""
        options, first, started = self.options, self.step, time.perf_counter()
        print(f"step {first} of {options.steps}: {self.data()}", flush=True)
        recent: list[dict[str, float]] = []
        last = min(options.steps, options.until or options.steps)
        with Prefetcher(self.draw, first, last) as samples, stop_requests() as stop:
            while self.step < last and not stop:
                recent = [*recent[1 - LOG_EVERY :], self._train_step(samples.take())]
                if self.step % LOG_EVERY == 0:
                    pace = (time.perf_counter() - started) / (self.step - first)
                    print(f"{self.step}: {told(means(recent))}; {pace:.2f} s a step", flush=True)
                if self.step % options.save_every == 0:
                    self.save()
            self.save()

    def save(self) -> None:
        """Write the state to resume from, and the averaged weights."""
        tensors = {
            **named_tensors(raw=self.network, average=self.average),
            **moments("adam", self.network, self.optimizer),
        }
        write_state(self.state_path, self.step, self.options.steps, self.options.settings(), tensors)
        self.write(self.average, self.options.output, f"{self.step} steps of {self.options.batch} {self.data()}")

    def _train_step(self, raw: dict[str, Any]) -> dict[str, float]:
        self.network.train()
        terms = self.terms(raw)
        loss = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        rate = learning_rate(self.step, self.options.steps, self.options.learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        size = nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_LIMIT)
        if not math.isfinite(float(size)):
            raise GateError(f"the loss is no longer a number at step {self.step}; {self.state_path} keeps what was")
        self.optimizer.step()
        self.step += 1
        self._move_average()
        return {name: float(value.detach()) for name, value in {"loss": loss, **terms}.items()}

    def _move_average(self) -> None:
        decay = min(AVERAGE, self.step / (self.step + 20))
        with torch.no_grad():
            mine, theirs = self.average.state_dict(), self.network.state_dict()
            floating = [name for name, value in mine.items() if value.is_floating_point()]
            torch._foreach_lerp_([mine[n] for n in floating], [theirs[n] for n in floating], 1 - decay)


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Return a step's learning rate: it rises, stays, and falls to 0."""
    rising, falling = (step + 1) / WARM_UP, (steps - step) / max(1.0, steps * (1 - DECAY_FROM))
    return highest * min(1.0, rising, falling)
