"""How much memory this process has needed so far."""

from __future__ import annotations

import resource
from pathlib import Path


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
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
