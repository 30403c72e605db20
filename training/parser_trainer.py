"""Training of the person parser, resumable at any step.

Run as ``python -m oviton.training.parser_trainer RENDERED STREET OUTPUT``.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import nn

from ..data.errors import GateError
from ..networks.person_parser import PersonParser
from ..networks.precision import Precision
from .batch_norms import unfold_batch_norms
from .parser_data import ParserData, to_tensors
from .parser_losses import LOSS_WEIGHTS, parser_losses
from .prefetch import Prefetcher
from .run_guard import locked, stop_requests
from .state import check_settings, moments, named_tensors, read_state, restore_moments, write_state
from .training_log import means, told

WARM_UP = 100
DECAY_FROM = 0.4
"""The share of the steps after which the learning rate falls to 0."""

BACKBONE_SHARE = 0.3
"""The backbone, which is trained already, learns so much slower."""

FROZEN = 4
"""So many layers of the backbone, which see edges and take a third of a step's time, do not learn."""

MEASURED = 16
"""Over so many batches the batch norms of a bundle's network are measured, which has none."""

AVERAGE = 0.998
GRADIENT_LIMIT = 5.0
LOG_EVERY = 20
STATE_NAME = "state.safetensors"


@dataclass(frozen=True)
class ParserOptions:
    """Options of one training run.

    Parameters
    ----------
    rendered
        Folder of rendered people.
    street
        Folder of samples of street photographs.
    output
        Where the state and the averaged weights are written.
    size
        Height and width of crops, multiples of 32.
    steps
        Optimiser steps in all.
    batch
        Crops a step.
    seed
        Seed of the weights and of every random choice.
    learning_rate
        The highest learning rate.
    save_every
        Steps between two saves.
    until
        Stop at this step, to go on with crops of another size. Default: None, at the end.
    init
        A checkpoint or a bundle to start from. Default: None, ImageNet weights.
    precision
        ``"fp32"``, or ``"bf16"`` for the network's products, where the processor has them.
    """

    rendered: Path
    street: Path
    output: Path
    size: tuple[int, int] = (256, 160)
    steps: int = 10_000
    batch: int = 8
    seed: int = 0
    learning_rate: float = 2e-3
    save_every: int = 50
    until: int | None = None
    init: Path | None = None
    precision: Precision = "fp32"

    def settings(self) -> dict[str, Any]:
        """Return what must stay the same for a run to be resumed, as JSON values."""
        return {"seed": self.seed, "batch": self.batch}


class ParserTrainer:
    """One run.

    Every random choice of a step follows from the seed and the step's number, so a resumed run makes the same ones
    as long as the folders hold the same.

    Parameters
    ----------
    options
        What to do.
    """

    def __init__(self, options: ParserOptions) -> None:
        self.options = options
        self.data = ParserData(options.rendered, options.street, options.size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.network = PersonParser()
        self.state_path = options.output / STATE_NAME
        saved = read_state(self.state_path) if self.state_path.exists() else None
        if saved is None:
            self._start()
        self.frozen = self.network.backbone.features[:FROZEN].requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        backbone = list(self.network.backbone.features[FROZEN:].parameters())
        others = [each for name, each in self.network.named_parameters() if not name.startswith("backbone.")]
        groups = [{"params": backbone, "share": BACKBONE_SHARE}, {"params": others, "share": 1.0}]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
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

    def _start(self) -> None:
        """Give the network the weights that it starts from."""
        if self.options.init is None:
            self.network.load_imagenet()
            return
        known = PersonParser.open(self.options.init)
        if any(isinstance(module, nn.BatchNorm2d) for module in known.modules()):
            self.network.load_state_dict(known.state_dict())
            return
        pictures = (to_tensors(self._draw(step))["image"] for step in range(MEASURED))
        unfold_batch_norms(known, self.network.eval(), pictures)

    def run(self) -> None:
        """Train until all steps are done or somebody stops it."""
        options, first, started = self.options, self.step, time.perf_counter()
        print(
            f"step {first} of {options.steps}: {len(self.data.rendered)} rendered, {len(self.data.street)} street",
            flush=True,
        )
        recent: list[dict[str, float]] = []
        last = min(options.steps, options.until or options.steps)
        with Prefetcher(self._draw, first, last) as samples, stop_requests() as stop:
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
        data = f"{len(self.data.rendered)} rendered people and {len(self.data.street)} street photographs"
        self.average.save(self.options.output, f"{self.step} steps of {self.options.batch} crops of {data}")

    def _draw(self, step: int) -> dict[str, Any]:
        return self.data.batch(np.random.default_rng([self.options.seed, step]), self.options.batch)

    def _train_step(self, raw: dict[str, Any]) -> dict[str, float]:
        batch = to_tensors(raw)
        self.network.train()
        self.frozen.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.precision == "bf16"):
            seen = self.network(batch["image"].contiguous(memory_format=torch.channels_last))
        terms = parser_losses(seen.float(), batch)
        loss = torch.stack([LOSS_WEIGHTS[name] * term for name, term in terms.items()]).sum()
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


def main(
    rendered: Path,
    street: Path,
    output: Path,
    steps: Annotated[int, typer.Option(min=1)] = 10_000,
    until: Annotated[int | None, typer.Option(min=1)] = None,
    batch: Annotated[int, typer.Option(min=1)] = 8,
    size: tuple[int, int] = (256, 160),
    seed: int = 0,
    learning_rate: float = 2e-3,
    threads: int = 1,
    init: Path | None = None,
    precision: Precision = "fp32",
) -> None:
    """Train the person parser, or go on where an earlier run stopped."""
    torch.set_num_threads(threads)
    options = ParserOptions(
        rendered, street, output, size, steps, batch, seed, learning_rate, until=until, init=init, precision=precision
    )
    with locked(output):
        ParserTrainer(options).run()


if __name__ == "__main__":
    typer.run(main)
