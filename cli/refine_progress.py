"""How `oviton try-on --refine` shows and keeps its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..data.images import write_image
from .console import err

if TYPE_CHECKING:
    from ..runtime.refinement.refiner import RefinementStep

OnStep = Callable[["RefinementStep"], None]


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
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("refining", total=steps, losses="")

        def advance(step: RefinementStep) -> None:
            keep(step)
            progress.update(task, completed=step.step, losses=_told(step))

        yield advance


def _told(step: RefinementStep) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in step.losses.items())
