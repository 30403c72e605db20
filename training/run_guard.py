"""What keeps a run whole: one run a folder, and no step cut in two."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from ..data.errors import InputError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep two runs from training one part in one folder."""
    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another run trains here; wait for it, or choose another folder") from None
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; choose another output folder") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def stop_requests() -> Iterator[list[BaseException]]:
    """Collect Ctrl-C and SIGTERM, so that a step is never cut in two; a second one is not waited for."""
    asked: list[BaseException] = []

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        stop: BaseException = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
        if asked:
            raise stop
        asked.append(stop)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
