"""A thread that prepares the next steps' samples while the networks work on this one's."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ..data.closeable import Closeable

T = TypeVar("T")


class Prefetcher(Closeable, Generic[T]):
    """Call `make(step)` for consecutive steps, ahead of time and in order.

    Parameters
    ----------
    make
        What to call; all it returns must follow from the step, so that the thread changes nothing but the time.
    first, last
        The first step and the one after the last.
    ahead
        Results to hold at most.
    """

    def __init__(self, make: Callable[[int], T], first: int, last: int, ahead: int = 4) -> None:
        self._make = make
        self._steps = range(first, last)
        self._ready: queue.Queue[T | BaseException] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="oviton-prefetch", daemon=True)
        self._thread.start()

    def take(self) -> T:
        """Return the next step's result, or raise what `make` raised."""
        result = self._ready.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        while self._thread.is_alive():
            try:  # make room, so that a waiting thread sees that it is over
                self._ready.get_nowait()
            except queue.Empty:
                self._thread.join(timeout=0.01)

    def _work(self) -> None:
        for step in self._steps:
            try:
                result: T | BaseException = self._make(step)
            except BaseException as error:  # raised again where it is awaited
                result = error
            self._ready.put(result)
            if self._closed.is_set() or isinstance(result, BaseException):
                return
