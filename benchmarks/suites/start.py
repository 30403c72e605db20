"""Start-up and memory: import, building or loading engines, the first try-on, and the peak of resident memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from ...evaluation.intervals import median
from ..bench import Bench
from ..report import Row
from .try_on import GARMENTS

_SCRIPT = """
import json, sys, time
started = time.perf_counter()
import oviton
imported = time.perf_counter()
from pathlib import Path
from oviton.benchmarks.bench import open_outfit
from oviton.bundle.bundle import Bundle
bundle = Bundle.open(Path(sys.argv[1]))
from oviton import TryOn
tryon = TryOn.load(bundle.path, sys.argv[2], sys.argv[3])
loaded = time.perf_counter()
look = tryon(*open_outfit(list(bundle.sample_folders), int(sys.argv[4])))
done = time.perf_counter()
from oviton.data.memory import peak_resident_mb
marks = {"import": imported - started, "load": loaded - imported, "first try-on": done - loaded}
memory = {"peak_rss_mb": peak_resident_mb()}
if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
    memory["gpu_peak_mb"] = sys.modules["torch"].cuda.max_memory_allocated() / 1e6
print(json.dumps({"ms": {name: s * 1000 for name, s in marks.items()}, "memory": memory}))
"""


def run(bench: Bench) -> None:
    """Start the first bundle in processes of its own: with no plans, so that engines are built, and with them."""
    bundle = bench.bundles[0]
    tryon = bench.default(bundle)
    engine, precision = tryon.engines.chosen.candidate.engine, tryon.engines.precision
    command = [sys.executable, "-c", _SCRIPT, str(bundle.path), engine, precision, str(GARMENTS)]
    turns = 1 if bench.options.quick else 5
    found: dict[str, list[dict[str, dict[str, float]]]] = {"built": [], "loaded": []}
    for turn in range(turns):
        with tempfile.TemporaryDirectory() as cache:
            for variant, rounds in found.items():  # the second start finds the plans of the first
                bench.say(f"start-up: {variant}, {turn + 1} of {turns}")
                done = subprocess.run(
                    command, env={**os.environ, "OVITON_CACHE": cache}, capture_output=True, text=True, check=False
                )
                if done.returncode:
                    bench.fail("start", (done.stderr.strip().splitlines() or ["the process failed"])[-1])
                    return
                rounds.append(json.loads(done.stdout))
    for variant, rounds in found.items():
        stages = {name: median([each["ms"][name] for each in rounds]).value for name in rounds[0]["ms"]}
        bench.rows.append(
            Row(
                suite="start",
                group="start-up",
                what="first picture",
                bundle=bench.name(bundle),
                engine=tryon.engines.chosen.candidate.label,
                precision=precision,
                garments=GARMENTS,
                variant=f"engines {variant}",
                ms=median([sum(each["ms"].values()) for each in rounds]),
                rounds=turns,
                stable=False,
                stages=stages,
                numbers={name: median([each["memory"][name] for each in rounds]).value for name in rounds[0]["memory"]},
            )
        )
