"""CUDA shared memory: a region on a GPU of this machine that the server maps, too."""

from __future__ import annotations

import base64
import importlib
import os
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...data.errors import InputError
from ...data.optional import require
from .protocol import messages
from .regions import Part


class CudaRegion:
    """Memory on a GPU, shared by a CUDA IPC handle; it goes when this process ends.

    Parameters
    ----------
    size
        In bytes.
    device
        The GPU.

    Raises
    ------
    InputError
        When there is no such GPU, or `cuda-python` is missing.
    """

    def __init__(self, size: int, device: int = 0) -> None:
        require("cuda.bindings.runtime", purpose="CUDA shared memory", extra="rtx")
        self._cuda = importlib.import_module("tritonclient.utils.cuda_shared_memory")
        self.name, self.size, self.registered = f"oviton-client-{os.getpid()}-{uuid.uuid4().hex[:12]}", size, False
        self._device = device
        try:
            self._handle = self._cuda.create_shared_memory_region(self.name, size, device)
        except Exception as error:
            raise InputError(
                f"GPU {device} cannot share {size} bytes ({error.__cause__ or error}); choose shared_memory='auto'"
            ) from None

    def registration(self) -> tuple[str, Any]:
        """Return method and request that make it known to the server."""
        handle = base64.b64decode(self._cuda.get_raw_handle(self._handle))
        request = messages().CudaSharedMemoryRegisterRequest(
            name=self.name, raw_handle=handle, device_id=self._device, byte_size=self.size
        )
        return "CudaSharedMemoryRegister", request

    def unregistration(self) -> tuple[str, Any]:
        """Return method and request that make the server forget it."""
        return "CudaSharedMemoryUnregister", messages().CudaSharedMemoryUnregisterRequest(name=self.name)

    def on_registered(self) -> None:
        """Note it; there is no name to remove."""
        self.registered = True

    def write(self, parts: Sequence[Part]) -> None:
        """Copy bytes to the GPU, all at once."""
        host = np.zeros(max(start + len(content) for start, content in parts), np.uint8)
        for start, content in parts:
            host[start : start + len(content)] = content
        self._cuda.set_shared_memory_region(self._handle, [host])

    def read(self, parts: Sequence[Part]) -> None:
        """Fill the parts' arrays from the GPU."""
        end = max(start + len(into) for start, into in parts)
        whole = self._cuda.get_contents_as_numpy(self._handle, np.uint8, [end])
        for start, into in parts:
            into[:] = whole[start : start + len(into)]

    def close(self) -> None:
        """Free the memory."""
        self._cuda.destroy_shared_memory_region(self._handle)
