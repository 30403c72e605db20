"""Doing a few things side by side that leave Python's lock to others while they work, such as decoding pictures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_parallel(*tasks: Callable[[], Any]) -> list[Any]:
    """Call every task, each but the first in a thread of its own, and return their results in order.

    Of several that fail, the first in order is heard.
    """
    first, *others = tasks
    if not others:
        return [first()]
    with ThreadPoolExecutor(len(others)) as pool:
        running = [pool.submit(task) for task in others]
        return [first(), *(each.result() for each in running)]
