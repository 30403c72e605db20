"""Doing a few things side by side that leave Python's lock to others while they work, such as decoding pictures."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any

_here = threading.local()

_HELPERS = max(2, os.cpu_count() or 1)
"""Threads beside the caller's; more than cores only take Python's lock from each other."""


def in_parallel(*tasks: Callable[[], Any]) -> list[Any]:
    """Call every task, here and in threads beside, and return their results in order.

    Of several that fail, the first in order is heard. Tasks of a task are called in turn: by then every core has work.
    """
    first, *others = tasks
    if not others or getattr(_here, "busy", False):
        return [task() for task in tasks]
    running = [_pool().submit(_busily, task) for task in others]
    try:
        done = [_here_and_now(first)]
        # What no helper has begun is done here, so that no core waits for another.
        done += [
            _here_and_now(task) if future.cancel() else future for task, future in zip(others, running, strict=True)
        ]
    finally:
        wait([future for future in running if not future.cancelled()])
    return [future.result() for future in done]


def _here_and_now(task: Callable[[], Any]) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(_busily(task))
    except Exception as error:
        future.set_exception(error)
    return future


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the process's helpers, which stay: starting a thread takes as long as fitting a small photograph."""
    return ThreadPoolExecutor(_HELPERS, thread_name_prefix="oviton helper")


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_pool.cache_clear)  # no thread survives one


def _busily(task: Callable[[], Any]) -> Any:
    _here.busy = True
    try:
        return task()
    finally:
        _here.busy = False
