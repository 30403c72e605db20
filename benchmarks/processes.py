"""What a server's processes take and leave: memory, zombies, names in /dev/shm; read from /proc."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")
SHARED_MEMORY = Path("/dev/shm")


def tree(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children: dict[int, list[int]] = {}
    for process, fields in _all():
        children.setdefault(int(fields[1]), []).append(process)
    found, waiting = [], [pid]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def resident_mb(pids: list[int]) -> float:
    """Return the resident memory of processes, in MB; each counts what it shares."""
    total = 0
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return total / 1024


def zombies(pids: list[int]) -> list[int]:
    """Return those of the processes that are dead and not reaped."""
    states = {process: fields[0] for process, fields in _all()}
    return [pid for pid in pids if states.get(pid) == "Z"]


def alive(pids: list[int]) -> list[int]:
    """Return those of the processes that there are, zombies included."""
    return [pid for pid in pids if (PROC / str(pid)).exists()]


def shared_memory(prefixes: tuple[str, ...]) -> dict[str, int]:
    """Return names that begin so and their bytes in /dev/shm."""
    found = {}
    for path in SHARED_MEMORY.iterdir():
        if path.name.startswith(prefixes):
            try:
                found[path.name] = path.stat().st_size
            except OSError:
                continue
    return found


def _all() -> list[tuple[int, list[str]]]:
    """Return all processes with state and parent."""
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text()
            except OSError:
                continue
            found.append((int(folder.name), text.rpartition(")")[2].split()[:2]))
    return found
