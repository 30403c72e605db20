"""Measuring whether two forms of a graph agree, and gating on it. NumPy only, so that engines gate with it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..data.errors import GateError
from .manifest import ParityRow, TensorSpec

MAX_PSNR = 120.0
"""Reported for identical pictures, since JSON knows no infinity."""

SAME_PLACE = 64
"""Places in a photograph, of 0 to 32768 a side, that differ by at most this, a pixel of 512, are the same."""

SAME_COORDINATE = 4
"""U and V, of 0 to 255, that differ by at most this name the same place on the body."""


@dataclass(frozen=True)
class Limits:
    """What a form must reach against its reference.

    Parameters
    ----------
    relative
        Largest error of float outputs, relative to their largest value.
    agreement
        Smallest share of equal labels.
    psnr
        Smallest PSNR of pictures, in dB.
    """

    relative: float
    agreement: float
    psnr: float


SAME_PRECISION = Limits(relative=1e-4, agreement=0.9995, psnr=55.0)
REDUCED_PRECISION = Limits(relative=3e-2, agreement=0.99, psnr=40.0)
"""For FP16, bf16 and INT8 against FP32."""


def psnr(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> float:
    """Return the peak signal-to-noise ratio of two uint8 arrays in dB, at most `MAX_PSNR`.

    Examples
    --------
    >>> grey = np.full((4, 4), 100, np.uint8)
    >>> round(psnr(grey, grey + 1), 1), psnr(grey, grey)
    (48.1, 120.0)
    """
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return MAX_PSNR if error == 0 else min(MAX_PSNR, 10 * float(np.log10(255.0**2 / error)))


def compare(
    graph: str,
    outputs: tuple[TensorSpec, ...],
    values: Mapping[str, npt.NDArray[np.generic]],
    reference: Mapping[str, npt.NDArray[np.generic]],
    *,
    form: str,
    reference_form: str,
    requests: int,
    garments: int,
    limits: Limits,
) -> list[ParityRow]:
    """Compare one run's outputs with a reference's.

    Parameters
    ----------
    graph
        Its name.
    outputs
        Its outputs; uint8 `[N, H, W]` are labels, ``densepose`` a body map, ``places`` places, other uint8 pictures,
        float32 codes.
    values, reference
        Arrays by output name.
    form, reference_form
        What is compared with what, for the report.
    requests, garments
        N and M of the run.
    limits
        What must be reached.

    Raises
    ------
    GateError
        When a limit is missed; the message names graph, output, sizes, value and limit.
    """
    rows = []
    for spec in outputs:
        a, b = np.asarray(values[spec.name]), np.asarray(reference[spec.name])
        if a.shape != b.shape or a.dtype != b.dtype:
            raise GateError(
                f"{graph}.{spec.name}: {form} gives {a.dtype}{list(a.shape)}, "
                f"{reference_form} gives {b.dtype}{list(b.shape)}"
            )
        row = ParityRow(
            graph=graph,
            output=spec.name,
            form=form,
            reference=reference_form,
            requests=requests,
            garments=garments,
            **_measure(spec.name, a, b, limits),
        )
        if not row.passed:
            raise GateError(
                f"{graph}.{spec.name}: {form} does not agree with {reference_form} at N={requests}, M={garments}: "
                f"{row.metric} {row.value:.4g}, demanded {row.limit:g}"
            )
        rows.append(row)
    return rows


def _measure(
    name: str, a: npt.NDArray[np.generic], b: npt.NDArray[np.generic], limits: Limits
) -> dict[str, float | str]:
    if a.dtype.kind == "f":
        scale = max(float(np.abs(b).max()), 1e-6)
        # NaN propagates through max, and a NaN value passes no gate.
        error = float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max()) / scale
        return {"metric": "relative", "value": error, "limit": limits.relative}
    if name == "densepose":
        # Where a part goes over into the next, U and V jump: what counts is how many pixels say the same.
        near = np.abs(a.astype(np.int16) - b.astype(np.int16)) <= (0, SAME_COORDINATE, SAME_COORDINATE)
        return {"metric": "agreement", "value": float(near.all(axis=-1).mean()), "limit": limits.agreement}
    if name == "places":
        near = np.abs(a.astype(np.int64) - b.astype(np.int64))[:, :, :2] <= SAME_PLACE
        return {"metric": "agreement", "value": float(near.all(axis=2).mean()), "limit": limits.agreement}
    if a.ndim == 3:
        return {"metric": "agreement", "value": float((a == b).mean()), "limit": limits.agreement}
    return {"metric": "psnr", "value": psnr(a, b), "limit": limits.psnr}
