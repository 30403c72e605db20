"""The picture that `oviton try-on --refine STEPS --plot FILE` draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.optional import require

if TYPE_CHECKING:
    from ..runtime.refinement.step import RefinementStep

PURPOSE = "--plot"


def check_plotting() -> None:
    """Raise before anything is computed when the library is missing.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    require("matplotlib", extra="refine", purpose=PURPOSE)


def plot_losses(steps: Sequence[RefinementStep], path: Path, kind: str) -> None:
    """Draw every term of the loss against the steps.

    Parameters
    ----------
    steps
        What the refinement yielded; may be empty.
    path
        The file to write.
    kind
        Its format, for example ``"png"``.
    """
    figure = require("matplotlib.figure", extra="refine", purpose=PURPOSE).Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="loss, weighted", title="Refinement")
    numbers = [step.step for step in steps]
    for name in steps[0].losses if steps else ():
        values = [step.losses[name] for step in steps]
        thick = {"linewidth": 2.5, "color": "black"} if name == "loss" else {}
        axes.plot(numbers, values, marker="." if len(steps) < 3 else None, label=name, **thick)
    if steps:
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
    else:
        axes.text(0.5, 0.5, "no step was taken", transform=axes.transAxes, ha="center")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format=kind, dpi=120)
