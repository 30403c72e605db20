"""Feed-forward latency of every engine that runs here, one request with one garment, from arrays to arrays.

Engines take turns in one run, because machines are shared and only ratios hold. Run ``make benchmark``.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from oviton import Garment, Person, TryOn
from oviton.data.errors import GateError
from oviton.engines.registry import AUTO_ORDER, survey

from machine import write

PEOPLE = Path(__file__).parents[1] / "examples" / "people"


def main() -> None:
    """Measure and write ``results/feed_forward-BUNDLE.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    person = Person.open(PEOPLE / "ana")
    garments = [Garment.open(PEOPLE / "ben", wear="upper_clothes")]
    loaded: dict[str, TryOn] = {}
    for found in (found for found in survey() if found.candidate in AUTO_ORDER):
        for precision in found.precisions:
            try:
                tryon = TryOn.load(options.bundle, found.candidate.engine, precision)
            except GateError as error:
                print(f"{found.candidate.label} {precision}: refused ({error})")
                continue
            # Asked by name, torch takes a GPU where there is one.
            loaded[f"{tryon.engines.chosen.candidate.label} {precision}"] = tryon
    runs: dict[str, list[dict[str, float]]] = {label: [] for label in loaded}
    for turn in range(options.rounds + 3):
        for label, tryon in loaded.items():
            report = tryon(person, garments).report
            if turn >= 3:  # the first rounds warm up
                runs[label].append({**report.stages_ms, "total": report.total_ms})
    results = {
        label: {stage: round(statistics.median(r[stage] for r in rows), 2) for stage in rows[0]}
        for label, rows in runs.items()
    }
    name = next(iter(loaded.values())).engines.bundle.manifest.name
    for label, stages in results.items():
        print(f"{label:24} {stages['total']:8.1f} ms")
    print(write(f"feed_forward-{name}", results))


if __name__ == "__main__":
    main()
