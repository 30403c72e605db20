"""What refinement gains on triplets, against the truth. Splits are measured by processes side by side.

Run ``python benchmarks/refinement_quality.py TRIPLETS [BUNDLE] --limit 5``; writes
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

from oviton.evaluation.refinement_summary import RefinementSummary
from oviton.evaluation.report import CaseReport
from oviton.evaluation.triplets import TripletFolder
from oviton.export.bundle import Bundle

from machine import write


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("triplets", type=Path)
    parser.add_argument("bundle", nargs="?", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=5, help="triplets of each split")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--pictures", type=Path, default=None)
    arguments = parser.parse_args()
    name = Bundle.open(arguments.bundle).manifest.name
    cases: list[CaseReport] = []
    with tempfile.TemporaryDirectory() as folder:
        running = {}
        for split in TripletFolder.open(arguments.triplets, limit=1).splits:
            command = [sys.executable, "-m", "oviton", "evaluate", "--triplets", arguments.triplets, "--split", split]
            command += ["--limit", str(arguments.limit), "--refine", str(arguments.steps)]
            command += ["--json", Path(folder, f"{split}.json")]
            command += ["--bundle", arguments.bundle] if arguments.bundle is not None else []
            command += ["--pictures", arguments.pictures / split] if arguments.pictures is not None else []
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            running[split] = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        for split, process in running.items():
            if process.wait():
                sys.exit(f"evaluating {split} failed")
            found = json.loads(Path(folder, f"{split}.json").read_text(encoding="utf-8"))
            cases += [CaseReport.model_validate(case) for case in found["cases"]]
    summary = RefinementSummary.of(cases)
    assert summary is not None
    print(summary.model_dump_json(indent=1))
    results = {
        "steps": arguments.steps,
        "summary": summary.model_dump(),
        "cases": [case.model_dump() for case in cases],
    }
    print(write(f"refinement_quality-{name}", results))


if __name__ == "__main__":
    main()
