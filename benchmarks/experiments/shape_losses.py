"""What each choice of shape training is worth: short runs from scratch that differ in one thing, on triplets.

Run ``python -m oviton.benchmarks.experiments.shape_losses PEOPLE TRIPLETS -o FOLDER``; an interrupted run is continued.
Runs this short rank choices, they do not reach the shipped weights' numbers. Differences are paired by triplet.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import fmean

from ...evaluation.intervals import mean
from ...evaluation.shape_scores import ShapeNetworks, ShapeScore
from ...evaluation.triplets import Triplet, TripletFolder
from ..machine import write

BASE = "surface, pairs, ce 1, dice 0.3"
_SHIPPED = ["--pairs", "--conditioning", "surface"]
VARIANTS = {
    BASE: _SHIPPED,
    "codes": ["--pairs"],
    "codes, single images only": [],
    "without ce": [*_SHIPPED, "--weight", "ce=0", "--weight", "dice=1"],
    "without dice": [*_SHIPPED, "--weight", "dice=0"],
    "with lsgan": [*_SHIPPED, "--weight", "lsgan=0.1", "--weight", "feature_matching=1"],
    "with perceptual": [*_SHIPPED, "--weight", "perceptual=0.3"],
}


def main() -> None:
    """Train every variant, measure it, and write ``results/shape_losses.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("triplets", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    paths = [path for split in TripletFolder.open(options.triplets).splits.values() for path in split]
    scores: dict[str, list[ShapeScore]] = {}
    for name, flags in VARIANTS.items():
        folder = options.output / name.replace(" ", "-").replace(",", "")
        command = [sys.executable, "-m", "oviton", "train", "shape", options.people, "-o", folder, *flags]
        subprocess.run([*command, "--steps", str(options.steps), "--threads", str(options.threads)], check=True)
        networks = ShapeNetworks(folder)
        scores[name] = [networks.score(Triplet.open(path)) for path in paths]
        print(name, f"mIoU {fmean(score.miou for score in scores[name]):.3f}", flush=True)
    results = {
        "steps": options.steps,
        "triplets": len(paths),
        "variants": {name: summary(found, scores[BASE]) for name, found in scores.items()},
    }
    print(write("shape_losses", results))


def summary(found: list[ShapeScore], base: list[ShapeScore]) -> dict[str, object]:
    """Return means, and the mean difference to the base with its 95 % bootstrap interval over triplets."""
    by_class: dict[str, list[float]] = {}
    for score in found:
        for name, value in score.iou.items():
            by_class.setdefault(name, []).append(value)
    difference = mean([a.miou - b.miou for a, b in zip(found, base, strict=True)])
    return {
        "miou": round(fmean(score.miou for score in found), 4),
        "swapped_iou": {name: round(fmean(values), 4) for name, values in sorted(by_class.items())},
        "miou_against_base": [round(v, 4) for v in (difference.value, difference.low, difference.high)],
    }


if __name__ == "__main__":
    main()
