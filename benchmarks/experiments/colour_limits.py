"""How much better than flat colour a picture can be that knows a garment's colours, but its pattern only so finely.

A code tells the colours of a garment, not where its pattern lies. Here the *true* picture is smoothed inside each worn
class, ever more finely: what it gains in PSNR over the garment's mean colour is the most that knowing so much could.

Run ``python -m oviton.benchmarks.experiments.colour_limits TRIPLETS``; writes ``results/colour_limits.json``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from ...data.images import UInt8Array
from ...evaluation.methods import paint_flat
from ...evaluation.picture_metrics import psnr
from ...evaluation.triplets import Triplet, TripletFolder
from ..machine import write

SHARES = (None, 1 / 8, 1 / 16, 1 / 32)
"""Deviations of the Gaussian, relative to the picture's height; None for one colour a class."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("triplets", type=Path)
    found = {}
    for split, paths in TripletFolder.open(parser.parse_args().triplets).splits.items():
        gains = [gains_over_flat(Triplet.open(path)) for path in paths]
        found[split] = {
            "n": len(gains),
            "gain_db": {name: round(fmean(g[name] for g in gains), 2) for name in gains[0]},
        }
        print(split, found[split])
    print(write("colour_limits", {"splits": found}))


def gains_over_flat(triplet: Triplet) -> dict[str, float]:
    """Return, for each fineness, how many dB the smoothed truth is better than the garment's mean colour."""
    flat = psnr(paint_flat(triplet), triplet.true_image, triplet.region)
    gains = {}
    for share in SHARES:
        deviation = None if share is None else share * triplet.true_labels.shape[0]
        name = "one colour" if share is None else f"smoothed by 1/{round(1 / share)} of the height"
        gains[name] = psnr(smoothed(triplet, deviation), triplet.true_image, triplet.region) - flat
    return gains


def smoothed(triplet: Triplet, deviation: float | None) -> UInt8Array:
    """Return the true picture with each worn class smoothed within itself, RGB `[H, W, 3]`."""
    picture = triplet.true_image.copy()
    for c in np.unique(triplet.true_labels[triplet.region]):
        mask = triplet.region & (triplet.true_labels == c)
        picture[mask] = np.round(_smooth(triplet.true_image, mask, deviation))
    return picture


def _smooth(image: UInt8Array, mask: npt.NDArray[np.bool_], deviation: float | None) -> npt.NDArray[np.float64]:
    """Return the colours in a mask, averaged with their neighbours in it, `[n, 3]`."""
    if deviation is None:
        mean: npt.NDArray[np.float64] = image[mask].mean(axis=0, keepdims=True)
        return mean
    weights = gaussian_filter(mask.astype(float), deviation)[mask]
    channels = [gaussian_filter(image[..., c] * mask.astype(float), deviation)[mask] / weights for c in range(3)]
    return np.stack(channels, axis=1)


if __name__ == "__main__":
    main()
