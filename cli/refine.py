"""What `oviton try-on` does with `--refine` and `--outfit`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from ..data.images import write_image
from .console import err, status
from .loss_plot import check_plotting, plot_losses

if TYPE_CHECKING:
    from ..runtime.dressing import Look
    from ..runtime.refined_look import Refinement
    from ..runtime.refinement.options import RefinementOptions
    from ..runtime.refinement.step import RefinementStep
    from ..runtime.report import RefinementReport
    from ..triton_models.client.try_on_client import ServedRefinement

PLOT_SUFFIXES = (".png", ".svg", ".pdf")

ROOMY = 140
"""Columns of a terminal from which on the bar has room for every term of the loss."""

OnStep = Callable[["RefinementStep"], None]


@dataclass(frozen=True)
class RefineWishes:
    """The options of the command line that concern refinement, as given."""

    steps: int | None
    time_budget: float | None
    frames: Path | None
    seed: int | None
    save_outfit: Path | None
    outfit: Path | None
    plot: Path | None = None
    always: bool = False

    @property
    def folders(self) -> dict[Path, Callable[[Path], bool]]:
        """Return the folder that is written as a whole, if any, and that it must be new or empty."""
        return {self.frames: _never} if self.frames is not None else {}

    def check(self) -> RefinementOptions | None:
        """Return what was asked for; None without refinement.

        Raises
        ------
        InputError
            When options contradict each other or are out of range.
        """
        from ..runtime.refinement.options import RefinementOptions

        if self.steps is None:
            named = ("time_budget", "frames", "seed", "save_outfit", "plot")
            given = [f"--{name.replace('_', '-')}" for name in named if getattr(self, name) is not None]
            given += ["--always"] if self.always else []
            if given:
                raise InputError(f"{given[0]} goes with --refine STEPS")
            return None
        if self.outfit is not None:
            raise InputError("--outfit wears what was refined before, so --refine does not go with it; choose one")
        if self.save_outfit is not None and self.save_outfit.suffix != ".safetensors":
            raise InputError(f"--save-outfit {self.save_outfit}: allowed: a name that ends in .safetensors")
        if self.plot is not None:
            if self.plot.suffix not in PLOT_SUFFIXES:
                raise InputError(f"--plot {self.plot}: allowed: a name that ends in {', '.join(PLOT_SUFFIXES)}")
            check_plotting()
        return RefinementOptions(
            steps=self.steps,
            time_budget=self.time_budget,
            seed=self.seed or 0,
            always=self.always,
            preview_every=0 if self.frames is None else 1,
        )


def refine(
    refinement: Refinement | ServedRefinement, options: RefinementOptions, wishes: RefineWishes, pending: ExitStack
) -> Look:
    """Go through a refinement, showing every step. Frames and plot appear when `pending` closes, with all else."""
    frames = None
    if wishes.frames is not None:
        frames = pending.enter_context(atomic_folder(wishes.frames, is_ours=_never))
    with shown_steps(options.steps, frames) as on_step:
        taken = []
        for step in refinement:
            on_step(step)
            taken.append(replace(step, preview=None))
    if wishes.plot is not None:
        plot_losses(taken, pending.enter_context(atomic_path(wishes.plot)), wishes.plot.suffix[1:])
    return refinement.look()


def keep_outfit(refinement: Refinement, look: Look, wishes: RefineWishes, pending: ExitStack) -> None:
    """Write the refined outfit, if it is wanted and there is one; it appears when `pending` closes."""
    if wishes.save_outfit is not None and look.weights is not None:
        with status("packing the outfit"):
            refinement.outfit().save(pending.enter_context(atomic_path(wishes.save_outfit)))


def told_refinement(report: RefinementReport | None) -> str:
    """Return what the last line says of a refinement."""
    if report is None:
        return ""
    loss = f"loss {report.losses_before.get('loss', 0):.2f} to {report.losses_after.get('loss', 0):.2f}"
    return f", {'refined' if report.accepted else 'not refined'} in {report.steps} steps, {loss}"


@contextmanager
def shown_steps(steps: int, frames: Path | None) -> Iterator[OnStep]:
    """Yield what is to be called after each step.

    Shows a bar with the losses on a terminal, and a line at every tenth of the steps elsewhere; writes previews as
    ``FRAMES/step_0001.png``.
    """

    def keep(step: RefinementStep) -> None:
        if frames is not None and step.preview is not None:
            write_image(frames / f"step_{step.step:04d}.png", step.preview)

    if not err.is_terminal:

        def line(step: RefinementStep) -> None:
            keep(step)
            if step.step * 10 // steps != (step.step - 1) * 10 // steps:
                err.print(f"[{step.step}/{steps}] {_told(step)}", markup=False, soft_wrap=True)

        yield line
        return
    columns = (
        TextColumn("refining"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    roomy = err.width >= ROOMY
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("refining", total=steps, losses="")

        def advance(step: RefinementStep) -> None:
            keep(step)
            progress.update(task, completed=step.step, losses=_told(step, whole=roomy))

        yield advance


def _never(_: Path) -> bool:
    """Frames of an earlier run are replaced as little as anything else."""
    return False


def _told(step: RefinementStep, *, whole: bool = True) -> str:
    """Return the loss, and on request its terms, of a step."""
    return " ".join(f"{name} {value:.3f}" for name, value in step.losses.items() if whole or name == "loss")
