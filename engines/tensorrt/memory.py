"""One GPU's stream and memory, shared by all engines of a set."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.closeable import Closeable
from ...data.optional import require
from .device import Gpu, checked


class DeviceSession(Closeable):
    """A GPU's primary context, one stream of its own, and the memory that engines share.

    Engines of one session run one after another on its stream. That is why they can share one scratch buffer: it is as
    large as the neediest engine's, not as large as all together.

    Parameters
    ----------
    gpu
        The GPU.
    """

    def __init__(self, gpu: Gpu) -> None:
        core = require("cuda.core", extra="rtx", purpose="an engine on an NVIDIA GPU")
        self._driver = require("cuda.bindings.driver", extra="rtx", purpose="an engine on an NVIDIA GPU")
        self.gpu = gpu
        self.lock = threading.RLock()
        """Held while an engine runs or changes; threads take turns."""
        self._users = 0
        self._scratch: Any = None
        self._context = checked(self._driver.cuDevicePrimaryCtxRetain, checked(self._driver.cuDeviceGet, gpu.index))
        with self.current():
            self._device = core.Device(gpu.index)
            self._device.set_current()
            self._stream = self._device.create_stream()
            self._pinned = core.LegacyPinnedMemoryResource()

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make this GPU the calling thread's current one inside the block, and put back what was current before."""
        checked(self._driver.cuCtxPushCurrent, self._context)
        try:
            yield
        finally:
            checked(self._driver.cuCtxPopCurrent)

    @property
    def stream(self) -> Any:
        """Return the stream, a `cuda.core.Stream`."""
        return self._stream

    @property
    def stream_handle(self) -> int:
        """Return the stream's address, as TensorRT takes it."""
        return int(self._stream.handle)

    def allocate(self, size: int) -> Any:
        """Return a buffer of `size` bytes on the GPU, from the driver's memory pool."""
        return self._device.allocate(max(1, size), stream=self._stream)

    def allocate_pinned(self, shape: tuple[int, ...], dtype: str) -> tuple[Any, npt.NDArray[Any]]:
        """Return a page-locked host buffer, and the array that lies in it."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        buffer = self._pinned.allocate(max(1, size), stream=self._stream)
        raw = (ctypes.c_uint8 * max(1, size)).from_address(int(buffer.handle))  # DLPack would make it read-only
        return buffer, np.ctypeslib.as_array(raw)[:size].view(dtype).reshape(shape)

    def let_wait(self, stream_handle: int) -> None:
        """Let another stream wait for all that was enqueued on this one, without the host waiting."""
        event = self._stream.record()
        checked(self._driver.cuStreamWaitEvent, self._driver.CUstream(stream_handle), event.handle, 0)

    def scratch(self, size: int) -> tuple[int, int]:
        """Return address and size of the shared scratch buffer, grown to at least `size` bytes.

        Growing moves it; whoever holds its address, such as a captured graph, asks again before each run.
        """
        if self._scratch is None or self._scratch.size < size:
            if self._scratch is not None:
                self._stream.sync()  # somebody may still run in the old one
                self._scratch.close()
            self._scratch = self.allocate(size)
        return int(self._scratch.handle), int(self._scratch.size)

    def acquire(self) -> DeviceSession:
        """Count one more engine in."""
        self._users += 1
        return self

    def release(self) -> None:
        """Count an engine out; the last one closes the session."""
        self._users -= 1
        if self._users == 0:
            self.close()

    def close(self) -> None:
        """Give back stream, memory and context."""
        if self._stream is None:
            return
        with self.current():
            self._stream.sync()
            if self._scratch is not None:
                self._scratch.close()
            self._stream.close()
        self._stream = self._scratch = None
        checked(self._driver.cuDevicePrimaryCtxRelease, checked(self._driver.cuDeviceGet, self.gpu.index))
