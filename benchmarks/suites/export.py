"""Time, peak memory and size of exporting untrained networks of each preset, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ...data.optional import install_command, is_installed
from ...evaluation.intervals import Interval
from ..bench import Bench
from ..report import Row

PRESETS = ("paper", "base", "small", "tiny")


def run(bench: Bench) -> None:
    """Export. It takes minutes and gigabytes, so it only runs when it is asked for by name."""
    if not (is_installed("torch") and is_installed("onnxscript")):
        bench.skipped["export"] = f"exporting needs more libraries; run: {install_command('onnx', 'train')}"
        return
    from ...networks.config import preset
    from ...networks.macs import count_gmacs

    samples = bench.bundles[0].path / "samples"
    for name in PRESETS[-1:] if bench.options.quick else PRESETS:
        bench.say(f"exporting {name}")
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / name
            command = [sys.executable, "-m", "oviton", "export", "--untrained", name, "-o", str(bundle)]
            done = subprocess.run([*command, "--samples", str(samples)], capture_output=True, text=True, check=False)
            if done.returncode:
                bench.fail(f"export of {name}", (done.stderr.strip().splitlines() or ["the process failed"])[-1])
                continue
            manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        cost, gmacs = manifest["cost"], count_gmacs(preset(name))
        ms = cost["seconds"] * 1000
        worst = [r["value"] for r in manifest["parity"] if r["form"] == "onnx_fp16" and r["metric"] == "psnr"]
        bench.rows.append(
            Row(
                suite="export",
                group="export",
                what="export",
                bundle=name,
                ms=Interval(value=ms, low=ms, high=ms),
                rounds=1,
                stable=False,
                numbers={
                    "peak_memory_mb": cost["peak_memory_mb"],
                    "bundle_mb": round(sum(entry["size"] for entry in manifest["files"].values()) / 1e6, 1),
                    "worst_fp16_psnr_db": min(worst),
                    **{f"gmacs_{graph}": round(count, 3) for graph, count in gmacs.items()},
                },
            )
        )
