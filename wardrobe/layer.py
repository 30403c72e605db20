"""A layer: one surface of the picture, posed, with its cut, its labels and its paint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .anatomy import Anatomy
from .body import Figure, Sheet
from .mesh import FloatArray, IndexArray, neighbour_average, vertex_normals
from .raster import CUTS

Distance = npt.NDArray[np.float32]
"""Signed distances to a cut, in metres: the cloth is where they are positive."""

Cut = Callable[[Anatomy], Distance]
Paint = Callable[["Surface"], npt.NDArray[np.float32]]
Labels = Callable[[Anatomy], npt.NDArray[np.uint8]]

UNCUT = 1.0


@dataclass(frozen=True)
class Surface:
    """Visible points of one layer, to be painted.

    Parameters
    ----------
    anatomy
        Where they lie on the neutral body.
    margin
        Distance to the nearest cut, `[n]`, metres.
    """

    anatomy: Anatomy
    margin: Distance


@dataclass(frozen=True)
class Layer:
    """One surface of the picture.

    Parameters
    ----------
    points
        Posed vertices `[V, 3]`, metres.
    faces
        Triangles `[F, 3]`.
    anatomy
        Where each vertex lies on the neutral body.
    cuts
        Signed distances `[V, CUTS]`; drawn where all are ≥ 0.
    bias
        How much nearer to the camera it counts than it is, metres; one number, or one a triangle `[F]`.
    labels
        Points to CIHP labels.
    paint
        Points to albedo `[n, 3]` in [0, 1].
    gloss
        Strength of its highlight, 0 to 1.
    """

    points: FloatArray
    faces: IndexArray
    anatomy: Anatomy
    cuts: Distance
    bias: float | npt.NDArray[np.float32]
    labels: Labels
    paint: Paint
    gloss: float = 0.0


def stack_cuts(anatomy: Anatomy, cuts: Sequence[Cut]) -> Distance:
    """Evaluate up to `CUTS` cuts, `[n, CUTS]`; what is not used never cuts."""
    if len(cuts) > CUTS:
        raise ValueError(f"{len(cuts)} cuts; a layer has room for {CUTS}")
    found = np.full((len(anatomy), CUTS), UNCUT, np.float32)
    for column, cut in enumerate(cuts):
        found[:, column] = cut(anatomy)
    return found


def drape(
    figure: Figure,
    sheet: Sheet,
    thickness: npt.NDArray[np.float64],
    *,
    smoothing: int = 0,
    shift: npt.NDArray[np.float64] | None = None,
) -> FloatArray:
    """Lay cloth over a person.

    Parameters
    ----------
    figure
        The person.
    sheet
        The sheet of the base mesh that the cloth is cut from.
    thickness
        Distance from the body along its normal, `[V]`, metres.
    smoothing
        Rounds of averaging with neighbours before, so that cloth bridges hollows.
    shift
        Further displacement in the rest pose, `[V, 3]`, metres.

    Returns
    -------
    FloatArray
        Posed vertices `[V, 3]`.
    """
    rest = np.asarray(sheet.combine @ figure.rest)
    normals = vertex_normals(rest, sheet.faces)
    if np.mean(np.sum(normals * (rest - rest.mean(axis=0)), axis=1)) < 0:
        normals = -normals
    if smoothing:
        average = _average(sheet)
        for _ in range(smoothing):
            rest = rest + 0.5 * (average @ rest - rest)
    rest = rest + normals * thickness[:, None]
    if shift is not None:
        rest = rest + shift
    return figure.pose(np.asarray(rest, np.float64), sheet.weights)


_AVERAGES: dict[int, sparse.csr_matrix] = {}


def _average(sheet: Sheet) -> sparse.csr_matrix:
    """Return the sheet's averaging matrix; sheets live as long as the process."""
    if id(sheet) not in _AVERAGES:
        _AVERAGES[id(sheet)] = neighbour_average(sheet.faces, len(sheet.anatomy))
    return _AVERAGES[id(sheet)]


def one_label(label: int) -> Labels:
    """Return a function that labels every point alike."""
    return lambda anatomy: np.full(len(anatomy), label, np.uint8)


def sided_labels(left: int, right: int) -> Labels:
    """Return a function that labels points by the side of the person that they are on."""
    return lambda anatomy: np.where(anatomy.x > 0, left, right).astype(np.uint8)


def folds(
    rng: np.random.Generator, anatomy: Anatomy, amplitude: float, across: float = 14, along: float = 4
) -> npt.NDArray[np.float64]:
    """Return smooth random folds, `[n]`, metres: fine across (1/m), long along the garment."""
    points = anatomy.values[:, :3].astype(np.float64)
    total = np.zeros(len(points))
    waves = 6
    for _ in range(waves):
        direction = rng.normal(size=3) * [across, across, along] * rng.uniform(0.6, 1.5)
        total += np.sin(2 * points @ direction + rng.uniform(0, 2 * np.pi))
    return amplitude * total / np.sqrt(waves)
