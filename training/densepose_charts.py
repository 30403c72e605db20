"""DensePose's U and V at the points of the renderer's charts, fitted to a teacher's body maps of rendered people.

The renderer's charts are its own. Both charts' coordinates are functions of the place on the body, so one is a function
of the other; the mean over many people of what a teacher sees is nearer to it than what the teacher sees once.

Run as ``python -m oviton.training.densepose_charts RENDERED TEACHER``, which writes ``RENDERED/densepose_charts.npz``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer

from ..data.classes import NUM_BODY_PARTS
from ..data.errors import InputError
from ..data.files import atomic_path
from ..data.images import UInt8Array, read_densepose, read_image
from .body_map_teacher import Teacher, around

DEGREE = 3
"""Of the polynomials in the renderer's U and V."""

TERMS = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]

ROUNDS = 10
CLOSE = 0.05
"""Errors beyond this count less and less: they are the teacher's, not the chart's."""

MIN_PIXELS = 2000
"""How often both must have seen a part."""

CHARTS_NAME = "densepose_charts.npz"
"""The file beside the rendered people."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DensePoseCharts:
    """A polynomial for U and one for V, for each part.

    Parameters
    ----------
    coefficients
        Of the `TERMS`, `[25, len(TERMS), 2]`; part 0 has none.
    """

    coefficients: FloatArray

    @classmethod
    def read(cls, people: Path) -> DensePoseCharts:
        """Read the charts of a folder of rendered people.

        Raises
        ------
        InputError
            When they are not there.
        """
        path = people / CHARTS_NAME
        if not path.is_file():
            raise InputError(f"{path}: no such file; run python -m oviton.training.densepose_charts {people} TEACHER")
        with np.load(path, allow_pickle=False) as file:
            return cls(file["coefficients"])

    def write(self, people: Path) -> None:
        """Write the charts into a folder of rendered people."""
        with atomic_path(people / CHARTS_NAME) as temporary, temporary.open("wb") as file:
            np.savez(file, coefficients=self.coefficients)

    def __call__(self, body: UInt8Array) -> UInt8Array:
        """Turn a body map `[H, W, 3]` of the renderer into DensePose's."""
        answer = body.copy()
        on_body = body[..., 0] > 0
        terms = polynomials(body[on_body][:, 1:] / 255)
        values = np.einsum("nt,ntc->nc", terms, self.coefficients[body[on_body][:, 0]])
        answer[on_body, 1:] = np.rint(np.clip(values, 0, 1) * 255)
        return answer


@dataclass
class ChartFit:
    """Pixels that the renderer and the teacher agree on, by part."""

    renderer: list[list[UInt8Array]] = field(default_factory=lambda: [[] for _ in range(NUM_BODY_PARTS)])
    teacher: list[list[UInt8Array]] = field(default_factory=lambda: [[] for _ in range(NUM_BODY_PARTS)])

    def add(self, rendered: UInt8Array, seen: UInt8Array) -> None:
        """Take a person's two body maps, `[H, W, 3]` each."""
        agreed = rendered[..., 0] == seen[..., 0]
        for part in range(1, NUM_BODY_PARTS):
            where = agreed & (rendered[..., 0] == part)
            self.renderer[part].append(rendered[where, 1:])
            self.teacher[part].append(seen[where, 1:])

    def charts(self) -> tuple[DensePoseCharts, FloatArray]:
        """Return the fitted charts, and the mean error of U and V of each part, `[25, 2]`.

        Raises
        ------
        InputError
            When a part was not seen often enough.
        """
        coefficients, errors = np.zeros((NUM_BODY_PARTS, len(TERMS), 2)), np.zeros((NUM_BODY_PARTS, 2))
        for part in range(1, NUM_BODY_PARTS):
            here, there = (np.concatenate(each[part]) / 255 for each in (self.renderer, self.teacher))
            if len(here) < MIN_PIXELS:
                raise InputError(
                    f"part {part}: seen on {len(here)} pixels, {MIN_PIXELS} are needed; render more people"
                )
            coefficients[part] = fit(polynomials(here), there)
            errors[part] = np.abs(polynomials(here) @ coefficients[part] - there).mean(axis=0)
        return DensePoseCharts(coefficients), errors


def polynomials(coordinates: FloatArray) -> FloatArray:
    """Return the `TERMS` of coordinates `[n, 2]` in [0, 1]: `[n, len(TERMS)]`."""
    u, v = (coordinates * 2 - 1).T
    return np.stack([u**i * v**j for i, j in TERMS], axis=1)


def fit(terms: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return coefficients for `[n, 2]` from terms `[n, k]` that few wild values hardly move."""
    answer = np.zeros((terms.shape[1], 2))
    for column in range(2):
        weights = np.ones(len(terms))
        for _ in range(ROUNDS):
            weighted = terms * weights[:, None]
            answer[:, column] = np.linalg.lstsq(weighted.T @ terms, weighted.T @ wanted[:, column], rcond=None)[0]
            weights = 1 / np.maximum(np.abs(terms @ answer[:, column] - wanted[:, column]), CLOSE)
    return answer


def fit_charts(people: Iterable[Path], teacher: Any) -> tuple[DensePoseCharts, FloatArray]:
    """Fit the charts to what a teacher sees in rendered people's folders."""
    found = ChartFit()
    for folder in people:
        image, rendered = read_image(folder / "image.png"), read_densepose(folder / "densepose.png")
        if rendered[..., 0].any():
            window = around(rendered[..., 0] > 0)
            found.add(rendered[window], teacher(image[window])[0])
    return found.charts()


def main(
    rendered: Path,
    teacher: Path,
    people: Annotated[int, typer.Option(help="How many of them to look at.")] = 400,
) -> None:
    """Fit DensePose's charts to rendered people."""
    torch.set_num_threads(1)
    folders = sorted(path.parent for path in rendered.glob("*/densepose.png"))[:people]
    if not folders:
        raise InputError(f"{rendered}: holds no rendered people; make some with oviton render")
    charts, errors = fit_charts(folders, Teacher.load(teacher))
    for part, (u, v) in list(enumerate(errors))[1:]:
        print(f"part {part}: mean error of U {u:.3f}, of V {v:.3f}")
    charts.write(rendered)


if __name__ == "__main__":
    typer.run(main)
