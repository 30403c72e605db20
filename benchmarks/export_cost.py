"""Time, peak memory and size of exporting untrained networks of each preset. Run ``make benchmark``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from oviton.networks.config import PRESETS, preset
from oviton.networks.macs import count_gmacs

from machine import write

PEOPLE = Path(__file__).parents[1] / "examples" / "people"


def main() -> None:
    """Export each preset in a process of its own and write ``results/export_cost.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=list(PRESETS))
    results = {}
    for name in parser.parse_args().presets:
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / name
            command = [sys.executable, "-m", "oviton", "export", "--untrained", name, "-o", bundle]
            subprocess.run([*command, "--samples", PEOPLE], check=True, stdout=subprocess.DEVNULL)
            manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        results[name] = {
            **manifest["cost"],
            "bundle_mb": round(sum(entry["size"] for entry in manifest["files"].values()) / 1e6, 1),
            "gmacs": {graph: round(count, 3) for graph, count in count_gmacs(preset(name)).items()},
            "worst_fp16_psnr_db": min(
                row["value"] for row in manifest["parity"] if row["form"] == "onnx_fp16" and row["metric"] == "psnr"
            ),
        }
        print(name, results[name])
    print(write("export_cost", results))


if __name__ == "__main__":
    main()
