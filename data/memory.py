"""How much memory this process has needed so far."""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_resident_mb() -> float:
    """Return the largest resident memory that this process had, in MB (10^6 bytes).

    As Linux tells it of the program that runs now. `resource.getrusage` tells at least what the parent held when it
    started this process: a small program that a large one measures would look as large.
    """
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"{_STATUS} has no VmHWM; peak memory cannot be told here")
