"""Time, memory and size of building TensorRT-RTX plans without a GPU. Writes ``results/plan_builds-BUNDLE.json``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..machine import write

CAPABILITIES = ("8.0", "8.6", "8.9", "12.0", "12.1")


def main() -> None:
    """Build every graph in a process of its own, then run the command twice for its cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--capabilities", nargs="+", default=CAPABILITIES)
    parser.add_argument("--child", metavar="CAPABILITY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.bundle, options.child)))
        return
    bundle = ["--bundle", str(options.bundle)] if options.bundle else []
    results = {}
    for capability in options.capabilities:
        command = [sys.executable, "-m", f"{__package__}.plan_builds", *bundle, "--child", capability]
        results[capability] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        print(f"{capability}: {results[capability]}")
    from ...bundle.bundle import Bundle

    print(f"wrote {write(f'plan_builds-{Bundle.open(options.bundle).manifest.name}', results)}")


def measure(bundle: Path | None, capability: str) -> dict[str, object]:
    """Build all plans for one compute capability, then find them again."""
    from ...bundle.bundle import Bundle
    from ...data.memory import peak_resident_mb
    from ...engines.plan_cache import PlanCache
    from ...engines.tensorrt.flavour import TENSORRT_RTX
    from ...engines.tensorrt.options import BuildOptions
    from ...engines.tensorrt.plan import compile_plans

    opened, options = Bundle.open(bundle), BuildOptions(compute_capabilities=(capability,))
    with tempfile.TemporaryDirectory() as folder:
        cache = PlanCache(Path(folder))
        cpu_before = time.process_time()
        plans = compile_plans(opened, TENSORRT_RTX, "fp16", options, cache)
        cpu_seconds = time.process_time() - cpu_before
        started = time.perf_counter()
        again = compile_plans(opened, TENSORRT_RTX, "fp16", options, cache)
        hit_seconds = time.perf_counter() - started
    assert all(plan.hit for plan in again.values())
    return {
        "version": TENSORRT_RTX.version,
        "seconds": {name: round(plan.seconds, 2) for name, plan in plans.items()},
        "plan_mb": {name: round(plan.size / 1e6, 2) for name, plan in plans.items()},
        "total_seconds": round(sum(plan.seconds for plan in plans.values()), 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "hit_seconds": round(hit_seconds, 3),
        "peak_memory_mb": round(peak_resident_mb()),
    }


if __name__ == "__main__":
    main()
