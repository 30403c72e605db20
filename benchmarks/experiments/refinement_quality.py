"""What refinement gains on triplets, against the truth. Splits are measured by processes side by side.

Run ``python -m oviton.benchmarks.experiments.refinement_quality TRIPLETS [BUNDLE] --limit 5``; writes
``results/refinement_quality-BUNDLE.json``. ``--pictures DIR`` keeps every method's pictures, split by split, for
``examples/refinement_sheet.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ...evaluation.report import CaseReport
from ...evaluation.summary import summarise_refinement
from ...evaluation.triplets import TripletFolder
from ..machine import write


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("triplets", type=Path)
    parser.add_argument("bundle", nargs="?", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=5, help="triplets of each split")
    parser.add_argument("--skip", type=int, default=0, help="the first so many triplets of each split")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--pictures", type=Path, default=None)
    parser.add_argument("--evaluations", type=Path, nargs="+", help="sum up what oviton evaluate --json wrote before")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = arguments.evaluations or evaluate(arguments, Path(folder))
        found: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    cases = [CaseReport.model_validate(case) for evaluation in found for case in evaluation["cases"]]
    summary = summarise_refinement(cases)
    assert summary is not None
    print(summary.model_dump_json(indent=1))
    results = {
        "steps": found[0]["refine_steps"],
        "bundle": found[0]["bundle"],
        "summary": summary.model_dump(),
        "cases": [case.model_dump() for case in cases],
    }
    print(write(f"refinement_quality-{found[0]['bundle']['name']}", results))


def evaluate(arguments: argparse.Namespace, folder: Path) -> list[Path]:
    """Evaluate every split in a process of its own, and return the files that they wrote."""
    running = {}
    for split in TripletFolder.open(arguments.triplets, limit=1).splits:
        written = folder / f"{split}.json"
        command = [sys.executable, "-m", "oviton", "evaluate", "--triplets", arguments.triplets, "--split", split]
        command += ["--skip", str(arguments.skip), "--limit", str(arguments.limit)]
        command += ["--refine", str(arguments.steps), "--json", written]
        command += ["--bundle", arguments.bundle] if arguments.bundle is not None else []
        command += ["--pictures", arguments.pictures / split] if arguments.pictures is not None else []
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        running[written] = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    for written, process in running.items():
        if process.wait():
            sys.exit(f"evaluating {written.stem} failed")
    return list(running)


if __name__ == "__main__":
    main()
