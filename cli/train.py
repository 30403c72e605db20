"""`oviton train correspondence`, `shape` and `appearance`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..data.errors import InputError
from .console import err, out

if TYPE_CHECKING:
    from ..networks.config import Conditioning
    from ..training.options import Part, TrainOptions

app = typer.Typer(
    help="Train generators from single images: folders of people with image, labels.png and densepose.png.",
    no_args_is_help=True,
)
_LINE_EVERY = 50

DataArgument = Annotated[
    list[Path], typer.Argument(metavar="DATA…", help="Folders of person folders; each lends as many samples.")
]
CheckpointOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="CKPT", help="Checkpoint folder to write, or to resume.")
]
ConditioningOption = Annotated[str, typer.Option(help="codes (as in the paper) or surface: also through body maps.")]
ScaleOption = Annotated[
    int | None,
    typer.Option(
        help="Of appearance: the encoder sees photographs so many times smaller, 1, 2 or 4; by default the preset's."
    ),
]
PresetOption = Annotated[str, typer.Option(help="The networks' preset: paper, base, small or tiny.")]
StepsOption = Annotated[int, typer.Option(min=1, help="Optimiser steps in all.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Samples a step.")]
SeedOption = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of weights and of every random choice.")]
PairsOption = Annotated[bool, typer.Option("--pairs", help="Also use the same-outfit pairs that DATA/pairs.csv lists.")]
WeightOption = Annotated[
    list[str] | None, typer.Option("--weight", metavar="NAME=VALUE", help="Weight of a term of the loss; repeatable.")
]
RateOption = Annotated[float, typer.Option("--learning-rate", help="The highest learning rate.")]
InitOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Start from the weights of this checkpoint or bundle; its frame may differ."),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
PrecisionOption = Annotated[str, typer.Option(help="auto: bf16 where it is fast; or fp32, bf16.")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="CPU threads; by default all cores.")]
SaveOption = Annotated[int, typer.Option(min=1, help="Steps between two saves.")]
SheetOption = Annotated[int, typer.Option(min=1, help="Steps between two contact sheets and held-out losses.")]
CacheOption = Annotated[float, typer.Option("--cache-gb", min=0, help="Decoded people kept in memory, at most.")]


def _add_command(part: Part, batch: int) -> None:
    """Add a part's command; both take the same options."""

    def command(
        data: DataArgument,
        output: CheckpointOption,
        conditioning: ConditioningOption = "codes",
        preset: PresetOption = "small",
        encoder_scale: ScaleOption = None,
        steps: StepsOption = 10_000,
        batch: BatchOption = batch,
        seed: SeedOption = 0,
        pairs: PairsOption = False,
        weight: WeightOption = None,
        learning_rate: RateOption = 1e-3,
        init: InitOption = None,
        device: DeviceOption = "auto",
        precision: PrecisionOption = "auto",
        threads: ThreadsOption = None,
        save_every: SaveOption = 200,
        sheet_every: SheetOption = 500,
        cache_gb: CacheOption = 8.0,
    ) -> None:
        from ..data.optional import require

        require("torch", extra="train", purpose="training")
        from ..networks.precision import resolve_precision
        from ..training.machine import resolve_device
        from ..training.options import TrainOptions, parse_weights

        if conditioning not in ("codes", "surface"):
            raise InputError(f"--conditioning {conditioning!r} is unknown; allowed: codes, surface")
        if encoder_scale is not None and part != "appearance":
            raise InputError(f"--encoder-scale {encoder_scale} goes with appearance; leave it out of training {part}")
        chosen = resolve_device(device)
        options = TrainOptions(
            part=part,
            data=tuple(data),
            checkpoint=output,
            preset=preset,
            conditioning=cast("Conditioning", conditioning),
            encoder_scale=encoder_scale,
            steps=steps,
            batch=batch,
            seed=seed,
            pairs=pairs,
            weights=parse_weights(weight or []),
            learning_rate=learning_rate,
            precision=resolve_precision(precision, chosen),
            device=chosen,
            threads=threads,
            init=init,
            save_every=save_every,
            sheet_every=sheet_every,
            cache_bytes=int(cache_gb * 2**30),
        )
        _train(options)

    text = f"Train the {part} encoder and generator. The same command again goes on where it stopped."
    app.command(part, help=text)(command)


@app.command("correspondence")
def correspondence(
    data: DataArgument,
    output: CheckpointOption,
    steps: StepsOption = 10_000,
    batch: BatchOption = 8,
    seed: SeedOption = 0,
    learning_rate: RateOption = 1e-3,
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    save_every: SaveOption = 200,
) -> None:
    """Train the matcher of `surface` conditioning on pairs. The same command again goes on where it stopped."""
    from ..data.optional import require

    require("torch", extra="train", purpose="training")
    import torch

    from ..networks.precision import resolve_precision
    from ..training.matcher_trainer import MatcherOptions, train_matcher

    if threads is not None:
        torch.set_num_threads(threads)
    options = MatcherOptions.of(
        output,
        data,
        steps=steps,
        batch=batch,
        seed=seed,
        learning_rate=learning_rate,
        precision=resolve_precision(precision, "cpu"),
        save_every=save_every,
    )
    out.print(escape(str(train_matcher(options))))


_add_command("shape", batch=8)
_add_command("appearance", batch=4)


def _train(options: TrainOptions) -> None:
    from ..training.trainer import train

    with _observer(options) as observer:
        report = train(options, observer)
    if report.step == report.first_step:
        out.print(f"{escape(str(report.path))}: all {report.step} steps were done before; more with --steps")
    else:
        speed = f"{report.step - report.first_step} steps at {report.seconds_per_step:.2f} s"
        losses = ", ".join(f"{name} {value:.4f}" for name, value in report.held_out.items())
        out.print(f"{escape(str(report.path))}: step {report.step}, {speed}; held out: {losses}", soft_wrap=True)
    if report.skipped:
        count = len(report.skipped)
        what = "sample" if count == 1 else "samples"
        out.print(f"[yellow]note:[/] {count} {what} could not be used; see the warnings above", soft_wrap=True)


class _Lines:
    """A line now and then, for logs."""

    def note(self, text: str) -> None:
        err.print(text, markup=False, soft_wrap=True)

    def progress(self, step: int, steps: int, losses: Mapping[str, float], seconds_left: float) -> None:
        if step % _LINE_EVERY == 0 or step == steps:
            self.note(f"[{step}/{steps}] {_told(losses)}; {_duration(seconds_left)} left")


class _Bar(_Lines):
    """A progress bar, for terminals."""

    def __init__(self, options: TrainOptions, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task(options.part, total=options.steps, losses="", left="")

    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def progress(self, step: int, steps: int, losses: Mapping[str, float], seconds_left: float) -> None:
        left = f"{_duration(seconds_left)} left"
        self._progress.update(self._task, completed=step, total=steps, losses=_told(losses), left=left)


@contextmanager
def _observer(options: TrainOptions) -> Iterator[_Lines]:
    if not err.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[losses]}"),
    )
    with Progress(*columns, console=err) as progress:
        yield _Bar(options, progress)


def _told(losses: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in losses.items())


def _duration(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) if seconds < 86_400 else f"{seconds / 86_400:.1f} days"
