"""When to try again, and how long to wait before: a pure rule for sync and async callers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from ...data.errors import DeadlineError
from .faults import Fault
from .options import ClientOptions


class Attempts:
    """The tries of one call.

    Parameters
    ----------
    options
        How patient.
    target
        The server's address, for messages.
    timeout
        Seconds for the whole call.
    answered
        Whether the server has answered before.
    clock, dice
        Replaced by tests.
    """

    def __init__(
        self,
        options: ClientOptions,
        target: str,
        timeout: float,
        answered: bool,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._options, self._clock, self._dice = options, clock, dice
        self._target, self._started = target, clock()
        self._timeout = timeout
        self._patience = options.retry_for if answered else options.connect_timeout
        self._pause = options.first_pause
        self._fault: Fault | None = None
        self.count = 1

    def remaining(self) -> float:
        """Return the seconds left for the next try.

        Raises
        ------
        DeadlineError
            When none are left.
        """
        left = self._timeout - (self._clock() - self._started)
        if left <= 0:
            reason = f"; the last fault: {self._fault.code}: {self._fault.message}" if self._fault else ""
            raise DeadlineError(f"{self._target}: no answer within {self._timeout:g} s, in {self.count} tries{reason}")
        return left

    def pause_after(self, fault: Fault) -> float | None:
        """Return the seconds to wait before the next try; None when there must be none.

        Half of each pause is fixed and half is random.
        """
        self._fault = fault
        pause = self._pause * (0.5 + 0.5 * self._dice())
        spent = self._clock() - self._started
        if not fault.retryable or spent + pause > min(self._patience, self._timeout):
            return None
        self._pause = min(2 * self._pause, self._options.longest_pause)
        self.count += 1
        return pause
