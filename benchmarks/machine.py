"""What every result file says about the machine and the versions that made it."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

from oviton.data.optional import version_of
from oviton.engines.plan_key import processor

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("oviton", "numpy", "onnxruntime", "openvino", "torch", "tritonclient", "nvidia-pytriton")


def describe() -> dict[str, Any]:
    """Return date, processor and versions."""
    name, capability = processor()
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": name,
        "capability": capability,
        "cores": len(os.sched_getaffinity(0)),
        "versions": {library: version_of(library) for library in LIBRARIES},
    }


def write(name: str, results: Any, path: Path | None = None) -> Path:
    """Write ``results/NAME.json``, or another file, and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = path or RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": describe(), "results": results}, indent=1) + "\n", encoding="utf-8")
    return path
