"""What every result says about the machine, the versions and the commit that made it."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from oviton.data.files import atomic_path
from oviton.data.optional import version_of
from oviton.engines.plan_key import processor

RESULTS = Path(__file__).parent / "results"
LIBRARIES = (
    "oviton",
    "numpy",
    "onnxruntime",
    "openvino",
    "torch",
    "tensorrt",
    "tensorrt-rtx-cu13",
    "tritonclient",
    "nvidia-pytriton",
)


def describe() -> dict[str, Any]:
    """Return date, processor, memory, load, GPUs with their clocks, versions and commit. Nothing is set."""
    name, capability = processor()
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": name,
        "capability": capability,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "gpus": gpus(),
        "versions": {library: version for library in LIBRARIES if (version := version_of(library)) is not None},
        "commit": commit(),
    }


def gpus() -> list[dict[str, str]]:
    """Return name, driver, clocks, temperature and power of every NVIDIA GPU, as the driver reports them now."""
    fields = ("name", "driver_version", "clocks.sm", "clocks.mem", "temperature.gpu", "power.draw")
    lines = _output("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader")
    return [dict(zip(fields, line.split(", "), strict=False)) for line in (lines or "").splitlines()]


def commit() -> str | None:
    """Return the commit that is measured, marked when files differ from it; None outside a checkout."""
    root = str(Path(__file__).parents[1])
    found = _output("git", "-C", root, "rev-parse", "--short=12", "HEAD")
    if not found:
        return None
    changed = _output("git", "-C", root, "status", "--porcelain", "--untracked-files=no", "--", "*.py", "bundles")
    return found.strip() + ("+changes" if changed else "")


def write(name: str, results: Any, path: Path | None = None) -> Path:
    """Write ``results/NAME.json``, or another file, and return its path."""
    path = path or RESULTS / f"{name}.json"
    text = json.dumps({"machine": describe(), "results": results}, indent=1) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _output(*command: str) -> str | None:
    """Return what a command prints; None when it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError):
        return None
