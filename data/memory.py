"""How much memory this process has needed so far."""

from __future__ import annotations

import sys
from pathlib import Path

from .optional import require


def peak_resident_mb() -> float:
    """Return the largest resident memory that this process had, in MB (10^6 bytes).

    As Linux tells it of the program that runs now. `resource.getrusage` tells at least what the parent held when it
    started this process, so that a small program that a large one measures looks as large; it is asked only where there
    is no such file.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024 / 1e6
    except (OSError, StopIteration):
        return _peak_bytes() / 1e6


def _peak_bytes() -> float:
    if sys.platform == "win32":
        psutil = require("psutil", purpose="measuring memory on Windows", extra="bench")
        return float(psutil.Process().memory_info().peak_wset)
    import resource

    # macOS tells bytes, every other system kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
