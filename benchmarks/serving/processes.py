"""What a server's processes take and leave: memory, zombies, names in /dev/shm."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

SHARED_MEMORY = Path("/dev/shm")


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all that it started; nothing when there is none of that number."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def resident_mb(processes: Iterable[psutil.Process]) -> float:
    """Return the resident memory of processes, in MB; each counts what it shares."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20


def zombies(pids: Iterable[int]) -> list[int]:
    """Return those of the processes that are dead and not reaped."""
    return [pid for pid in alive(pids) if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE]


def alive(pids: Iterable[int]) -> list[int]:
    """Return those of the processes that there are, zombies included."""
    return [pid for pid in pids if psutil.pid_exists(pid)]


def shared_memory(prefixes: tuple[str, ...]) -> dict[str, int]:
    """Return names that begin so and their bytes in /dev/shm."""
    found = {}
    for path in SHARED_MEMORY.iterdir():
        if path.name.startswith(prefixes):
            with suppress(OSError):
                found[path.name] = path.stat().st_size
    return found
