"""Size of a saved outfit that keeps 40 dB against the refined picture: full FP16 weights, the largest changes, factors.

Run ``python -m oviton.benchmarks.experiments.outfit_size [BUNDLE]``; writes ``results/outfit_size-BUNDLE.json``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import Garment, Person, TryOn
from ...runtime.refinement.options import RefinementOptions
from ...runtime.refinement.refined_weights import FAITHFUL, Paint, bundle_weights, pack
from ..machine import write

PEOPLE = Path(__file__).parents[2] / "examples" / "people"
WEARS = (("hugo", "ana", "upper_clothes"), ("ana", "hugo", "upper_clothes,pants"))
"""Who wears what of whom."""

SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of all numbers that are kept, the smallest first."""

INDEX_BYTES = 2
"""Of the gap to the number that was kept before; a plain 32-bit index would take 4."""

Weights = Mapping[str, npt.NDArray[np.float32]]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, default=None)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    tryon = TryOn.load(arguments.bundle)
    results = {}
    for person, owner, classes in WEARS:
        garment = Garment.open(PEOPLE / owner, wear=classes)
        options = RefinementOptions(steps=arguments.steps, always=True)
        refinement = tryon.refinement(Person.open(PEOPLE / person), garment, options=options)
        for _ in refinement:
            pass
        refiner = refinement.refiner
        refined = {name: weight.detach().numpy() for name, weight in refiner.weights.items()}
        results[f"{person} in {owner}'s {classes}"] = sizes(tryon, refined, refiner.paint)
    for name, found in results.items():
        print(name, found)
    print(write(f"outfit_size-{tryon.engines.bundle.manifest.name}", results))


def sizes(tryon: TryOn, refined: Weights, paint: Paint) -> dict[str, Any]:
    """Return bytes and PSNR of every way."""
    base, wanted = bundle_weights(tryon.engines.bundle), paint(refined)
    low_rank = pack(tryon.engines.bundle, refined, np.zeros(20, np.int32), paint)
    count = sum(weight.size for weight in base.values())
    changes = np.sort(np.abs(np.concatenate([(refined[name] - base[name]).ravel() for name in base])))[::-1]
    for share in SHARES:
        limit = changes[min(int(share * count), count - 1)]
        kept = {name: _largest(base[name], refined[name], limit) for name in base}
        reached = _psnr(paint(kept), wanted)
        if reached >= FAITHFUL:
            break
    return {
        "full_fp16": {"bytes": 2 * count, "psnr_db": round(_psnr(paint(_rounded(refined)), wanted), 1)},
        "top_k": {"bytes": int(share * count) * (2 + INDEX_BYTES), "psnr_db": round(reached, 1), "share": share},
        "low_rank": {"bytes": low_rank.size, "psnr_db": round(low_rank.psnr, 1)},
    }


def _largest(base: npt.NDArray[np.float32], refined: npt.NDArray[np.float32], limit: float) -> npt.NDArray[np.float32]:
    change = (refined - base).astype(np.float16).astype(np.float32)
    kept: npt.NDArray[np.float32] = (base + np.where(np.abs(refined - base) >= limit, change, 0)).astype(np.float32)
    return kept


def _rounded(weights: Weights) -> dict[str, npt.NDArray[np.float32]]:
    return {name: weight.astype(np.float16).astype(np.float32) for name, weight in weights.items()}


def _psnr(picture: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    return float(10 * np.log10(4 / max(float(np.mean((picture - wanted) ** 2)), 1e-10)))


if __name__ == "__main__":
    main()
