"""Run a server so that nothing of it is ever left: ``launcher.py PARENT SECONDS PREFIX PROGRAM ARGUMENT…``.

The launcher stays as the server's parent. When the server ends, PARENT dies or the launcher is told to stop, it
ends every process that the server started, reaps them, and removes the shared memory whose name begins with PREFIX.

Run as a script, by path, in an isolated interpreter that imports nothing of oviton: it must be small and start at once.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Start the server, wait for its end, clean up, and end with its status."""
    parent, seconds, prefix, program, *arguments = sys.argv[1:]
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # model processes whose server was killed become ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own = os.getpid()
    server = os.fork()
    if server == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != own:
            os._exit(1)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(program, [program, *arguments])

    def stop(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGTERM)
        signal.alarm(int(seconds))

    def give_up(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, give_up)
    if os.getppid() != int(parent):  # it died before the kernel was asked to tell
        give_up()
    status = wait_for(server)
    end_descendants()
    for left in Path("/dev/shm").glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            left.unlink()
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


def wait_for(server: int) -> int:
    """Return the server's wait status; other children are reaped on the way."""
    while True:
        pid, status = os.wait()
        if pid == server:
            return status


def end_descendants() -> None:
    """Kill and reap until there is no child left."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for pid in children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the children of a process that still run; zombies do not count."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (process / "stat").read_text(encoding="ascii", errors="replace")
            state, parent = status.rsplit(")", 1)[1].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(process.name))
    return sorted(found)


if __name__ == "__main__":
    main()
