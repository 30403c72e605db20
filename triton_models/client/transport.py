"""How tensors travel: chosen once a client, and told."""

from __future__ import annotations

import functools
import os
import sys

from ...data.errors import InputError
from .cuda_region import CudaRegion
from .options import Address, ClientOptions
from .regions import FOLDER, RegionPool, SystemRegion


class Transport:
    """Whether tensors travel in messages or lie in shared memory.

    Parameters
    ----------
    address, options
        Where the server is, and what was asked for.

    Raises
    ------
    InputError
        When shared memory is asked for and cannot be had.
    """

    def __init__(self, address: Address, options: ClientOptions) -> None:
        self.pool: RegionPool | None = None
        self.reason = ""
        self.optional = options.shared_memory == "auto"
        kind = options.shared_memory
        if kind == "auto":
            self.reason = _objection(address)
            kind = "off" if self.reason else "system"
        elif kind == "system" and (problem := _system_problem()):
            raise InputError(f"client option shared_memory='system': {problem}")
        if kind == "cuda":
            self.pool = RegionPool(functools.partial(CudaRegion, device=options.device))
        elif kind == "system":
            self.pool = RegionPool(SystemRegion)
        self.kind = kind

    def refuse(self, reason: str) -> None:
        """Fall back to messages, for a reason that can be asked for."""
        self.pool, self.kind, self.reason = None, "off", reason

    def __str__(self) -> str:
        """Say how tensors travel, and why not better."""
        if self.kind == "off":
            return "messages" + (f" ({self.reason})" if self.reason else "")
        return f"{self.kind} shared memory"


def _objection(address: Address) -> str:
    return _system_problem() if address.is_local else "the server is on another machine"


def _system_problem() -> str:
    if sys.platform != "linux":
        return "system shared memory is a matter of Linux"
    return "" if os.access(FOLDER, os.W_OK) else f"{FOLDER} is not writable"
