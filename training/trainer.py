"""The training loop: schedule, discriminator, moving average, saving, resuming, logs and contact sheets."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..data.errors import GateError, InputError
from ..networks.checkpoint import PARTS, Networks, save_checkpoint, untrained_networks
from ..networks.losses import feature_matching_loss, lsgan_discriminator_loss, lsgan_generator_loss
from .appearance_trainer import AppearanceTask
from .dataset import Dataset, Datasets
from .options import TrainOptions
from .prefetch import Prefetcher
from .run_guard import locked, stop_requests
from .shape_trainer import ShapeTask
from .sheets import write_sheet
from .start import copy_weights
from .state import (
    check_settings,
    moments,
    named_tensors,
    read_state,
    restore_moments,
    write_state,
)
from .task import Raw, Task
from .training_log import log, means, tensorboard, told

CRITIC_FROM, ADVERSARIAL_FROM, ADVERSARIAL_FULL = 0.5, 0.6, 0.65
"""Shares of the steps: the discriminator trains, its terms enter the loss, they reach their weight.

Earlier, it invents false folds.
"""

WARM_UP = 50
GRADIENT_LIMIT = 5.0
AVERAGE = 0.995
CRITIC_RATE = 4e-4
CRITIC_BETAS = (0.5, 0.99)
LOG_EVERY = 50


class Observer(Protocol):
    """Who wants to know how training goes."""

    def note(self, text: str) -> None:
        """Take a line of text."""

    def progress(self, step: int, steps: int, losses: Mapping[str, float], seconds_left: float) -> None:
        """Take the state after a step: means of the latest losses, and the time left."""


@dataclass(frozen=True)
class TrainingReport:
    """What a run came to.

    Parameters
    ----------
    path
        The checkpoint's file.
    step, first_step
        Steps done in all, and before this run.
    seconds_per_step
        The mean of this run; 0 when it had nothing to do.
    losses, held_out
        Means of the latest losses, in training and on held-out people.
    skipped
        Samples that could not be used, and why.
    """

    path: Path
    step: int
    first_step: int
    seconds_per_step: float
    losses: dict[str, float]
    held_out: dict[str, float]
    skipped: dict[str, str]


class TrainingError(GateError):
    """Training cannot go on; what was saved is good."""


def train(options: TrainOptions, observer: Observer) -> TrainingReport:
    """Train one part of the networks, or go on where an earlier run stopped.

    Parameters
    ----------
    options
        The run's options.
    observer
        Told how the run goes.

    Raises
    ------
    InputError
        When the data, the checkpoint folder or the options cannot be used.
    TrainingError
        When the loss is no longer a number.
    KeyboardInterrupt, SystemExit
        On Ctrl-C and SIGTERM, after saving.
    """
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    folder = options.checkpoint / "training" / options.part
    with locked(folder):
        return Trainer(options, observer).run()


class Trainer:
    """One run.

    Every random choice of a step follows from the seed and the step's number, so a resumed run makes the same ones.

    Parameters
    ----------
    options
        The run's options.
    observer
        Told how the run goes.
    """

    def __init__(self, options: TrainOptions, observer: Observer) -> None:
        self.options, self.observer = options, observer
        self.folder = options.checkpoint / "training" / options.part
        self.state_path = self.folder / "state.safetensors"
        self.device = torch.device(options.device)
        config = options.config
        surface = options.conditioning == "surface"
        self.dataset = Datasets(
            [
                Dataset(
                    folder,
                    config.height,
                    config.width,
                    images=options.part == "appearance",
                    body_maps=options.part == "shape" or surface,
                    pairs=options.pairs,
                    cache_bytes=options.cache_bytes // len(options.data),
                    warn=observer.note,
                )
                for folder in options.data
            ]
        )
        self.settings = {**options.settings(), "data": self.dataset.fingerprint}
        saved = self._read_saved()
        self.task: Task[Any] = (ShapeTask if options.part == "shape" else AppearanceTask)(options, self.dataset)
        self.networks = part_networks(options)
        if options.init is not None and saved is None:
            observer.note(copy_weights(options.init, self.networks, options.part))
        self.networks.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.critic = self.task.critic(self.networks).to(self.device)
        self.trained = nn.ModuleDict(
            {name: module for name, module in self.networks.named_children() if module is not self.critic}
        )
        self.average = copy.deepcopy(self.trained).requires_grad_(False)
        # Adam's rule in one fused pass over all weights, on CPU as on CUDA.
        self.optimizer = torch.optim.Adam(self.trained.parameters(), betas=self.task.betas, fused=True)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), betas=CRITIC_BETAS, fused=True)
        self.step = 0
        if saved is not None:
            self._restore(saved.tensors)
            self.step = saved.step

    def run(self) -> TrainingReport:
        """Train until all steps are done."""
        options, first = self.options, self.step
        self.observer.note(
            f"{'resuming' if first else 'training'} {options.part}, {options.preset}, step {first} of {options.steps}: "
            f"{len(self.dataset.people)} people, {len(self.dataset.held_out)} held out, {len(self.dataset.pairs)} "
            f"pairs; {options.precision} on {options.device}"
        )
        recent: list[dict[str, float]] = []
        held_out: dict[str, float] = {}
        started = time.perf_counter()
        with ExitStack() as stack:
            logs = stack.enter_context(tensorboard(self.folder / "logs", first))
            samples = stack.enter_context(Prefetcher(self._draw, first, options.steps))
            stop = stack.enter_context(stop_requests())
            while self.step < options.steps and not stop:
                recent = [*recent[1 - LOG_EVERY :], self._train_step(samples.take())]
                done = self.step - first
                seconds = (time.perf_counter() - started) / done
                self.observer.progress(self.step, options.steps, means(recent), seconds * (options.steps - self.step))
                if self.step % LOG_EVERY == 0 or self.step == options.steps:
                    log(logs, "train", means(recent), self.step)
                if self.step % options.sheet_every == 0 or self.step == options.steps:
                    held_out = self.show()
                    log(logs, "held out", held_out, self.step)
                    self.observer.note(f"step {self.step}, held out: {told(held_out)}")
                if self.step % options.save_every == 0 and self.step < options.steps:
                    self.save()
            seconds = (time.perf_counter() - started) / max(1, self.step - first)
            path = self.save()
            if stop and self.step < options.steps:
                self.observer.note(f"saved at step {self.step}; the same command goes on from there")
                raise stop[0]
        return TrainingReport(
            path,
            self.step,
            first,
            seconds if self.step > first else 0.0,
            means(recent),
            held_out,
            self.dataset.skipped,
        )

    def save(self) -> Path:
        """Write the state to resume from and, as the checkpoint, the averaged weights; return the latter's path."""
        tensors = {
            **named_tensors(raw=self.trained, average=self.average),
            **moments("adam", self.trained, self.optimizer),
        }
        if self.task.adversarial or self.options.part == "appearance":
            tensors |= named_tensors(critic=self.critic)
            tensors |= moments("critic_adam", self.critic, self.critic_optimizer)
        write_state(self.state_path, self.step, self.options.steps, self.settings, tensors)
        averaged = copy.copy(self.networks)
        averaged._modules = {**self.networks._modules, **self.average._modules}
        return save_checkpoint(self.options.checkpoint, averaged, self.options.part, self._recipe())

    def show(self) -> dict[str, float]:
        """Write a contact sheet of held-out people with the averaged weights, and return their losses."""
        averaged: Any = copy.copy(self.networks)
        averaged._modules = {**self.networks._modules, **self.average._modules}
        with torch.no_grad():
            # Always the same augmentation, so that losses of different steps compare.
            batch = self.task.prepare(self.task.held_out(), _generator(self.options.seed, -1))
            with self._autocast():
                output = self.task.forward(averaged, batch)
                terms = self.task.losses(output, batch)
        write_sheet(self.folder / "sheets" / f"{self.step:06d}.png", self.task.sheet(output, batch))
        return {name: float(value) for name, value in terms.items()}

    def _draw(self, step: int) -> Raw:
        return self.task.draw(np.random.default_rng([self.options.seed, step, 1]))

    def _train_step(self, raw: Raw) -> dict[str, float]:
        """Take one optimiser step and return the terms of its loss, not weighted."""
        options, share = self.options, self.step / self.options.steps
        rate = learning_rate(self.step, options.steps, options.learning_rate)
        batch = self.task.prepare(raw, _generator(options.seed, self.step))
        with self._autocast():
            output = self.task.forward(self.networks, batch)
            terms = self.task.losses(output, batch)
        critic_terms: dict[str, Tensor] = {}
        strength = 0.0
        if self.task.adversarial and share >= CRITIC_FROM:
            strength = min(1.0, max(0.0, (share - ADVERSARIAL_FROM) / (ADVERSARIAL_FULL - ADVERSARIAL_FROM)))
            critic_terms = self._train_critic(output, batch, min(CRITIC_RATE, rate), strength)
        loss = torch.stack([options.weights[name] * term for name, term in terms.items()]).sum()
        if strength:
            named = [options.weights[n] * critic_terms[n] for n in ("lsgan", "feature_matching")]
            loss = loss + strength * torch.stack(named).sum()
        self._descend(self.optimizer, self.trained, loss, rate)
        self.step += 1
        self._move_average()
        return {name: float(value.detach()) for name, value in {"loss": loss, **terms, **critic_terms}.items()}

    def _train_critic(self, output: Tensor, batch: Any, rate: float, strength: float) -> dict[str, Tensor]:
        """Take one step of the discriminator, then judge the output by it, with gradients to the output only."""
        fake, real = self.task.judged(output, batch)
        with self._autocast():
            seen_real, seen_fake = _floats(self.critic.judge(real)), _floats(self.critic.judge(fake.detach()))
        loss = lsgan_discriminator_loss(seen_real, seen_fake)
        self._descend(self.critic_optimizer, self.critic, loss, rate)
        if not strength:
            return {"critic": loss}
        self.critic.requires_grad_(False)
        with self._autocast():
            seen = _floats(self.critic.judge(fake))
        self.critic.requires_grad_(True)
        mask = self.task.mask(batch)
        return {
            "critic": loss,
            "lsgan": lsgan_generator_loss(seen, mask),
            "feature_matching": feature_matching_loss(seen, seen_real, mask),
        }

    def _descend(self, optimizer: torch.optim.Adam, module: nn.Module, loss: Tensor, rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        size = nn.utils.clip_grad_norm_(module.parameters(), GRADIENT_LIMIT)
        values = float(loss.detach()), float(size)
        if not all(map(math.isfinite, values)):
            raise TrainingError(
                f"the loss is no longer a number at step {self.step} (loss {values[0]:g}, gradient {values[1]:g}); "
                f"{self.state_path} keeps what was saved last; try a lower learning rate in a new folder, with --init"
            )
        optimizer.step()

    def _move_average(self) -> None:
        decay = min(AVERAGE, self.step / (self.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.trained.parameters()), 1 - decay)

    def _read_saved(self) -> Any:
        path = self.options.checkpoint / f"{self.options.part}.safetensors"
        if not self.state_path.exists():
            if path.exists():
                raise InputError(
                    f"{path} exists, but no state to resume from; choose another output folder (to start from these "
                    f"weights, with --init {self.options.checkpoint})"
                )
            return None
        saved = read_state(self.state_path)
        check_settings(self.state_path, saved.settings, self.settings)
        if self.options.steps < saved.steps:
            raise InputError(
                f"{self.state_path}: steps was {saved.steps} and now is {self.options.steps}; steps may only grow"
            )
        return saved

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        for key, module in (("raw", self.trained), ("average", self.average), ("critic", self.critic)):
            own = {name[len(key) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{key}.")}
            if own:
                module.load_state_dict(own)
        restore_moments("adam", self.trained, self.optimizer, tensors)
        restore_moments("critic_adam", self.critic, self.critic_optimizer, tensors)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bf16")

    def _recipe(self) -> str:
        options = self.options
        words = [
            f"oviton train {options.part} {' '.join(folder.name for folder in options.data)}",
            f"--preset {options.preset}",
        ]
        words.append(f"--conditioning {options.conditioning}")
        words += [] if options.encoder_scale is None else [f"--encoder-scale {options.encoder_scale}"]
        words += [f"--steps {options.steps}", f"--batch {options.batch}", f"--seed {options.seed}"]
        words += [f"--learning-rate {options.learning_rate:g}", f"--precision {options.precision}"]
        words += ["--pairs"] if options.pairs else []
        words += [] if options.init is None else [f"--init {options.init.name}"]
        words += [f"--weight {name}={value:g}" for name, value in options.weights.items()]
        return f"{' '.join(words)}; step {self.step} of {options.steps}; data: {self.dataset.fingerprint}"


def part_networks(options: TrainOptions) -> Networks:
    """Return the networks of one part only, with weights drawn from the seed."""
    networks = untrained_networks(options.config, options.seed).train()
    for name in [name for name, _ in networks.named_children() if name not in PARTS[options.part]]:
        delattr(networks, name)
    return networks


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step: a short rise, then half a cosine down to a hundredth."""
    fall = 0.5 + 0.5 * math.cos(math.pi * step / steps)
    return highest * min(1.0, (step + 1) / WARM_UP) * max(0.01, fall)


def _generator(seed: int, step: int) -> torch.Generator:
    state = np.random.SeedSequence([seed, step + 1, 2]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def _floats(features: list[list[Tensor]]) -> list[list[Tensor]]:
    return [[layer.float() for layer in scale] for scale in features]
