"""System shared memory: regions that client and server both map, so that pictures do not travel in messages."""

from __future__ import annotations

import mmap
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...data.errors import InputError
from .protocol import messages
from .tensors import Array, raw_bytes

FOLDER = Path("/dev/shm")
SMALLEST = 1 << 20
"""Bytes; regions grow in powers of two from here, so that a few serve all requests."""


Part = tuple[int, Array]
"""Where bytes begin, and the bytes, uint8 `[B]`."""


class Region(Protocol):
    """Memory that the server can map, too."""

    name: str
    size: int
    registered: bool

    def registration(self) -> tuple[str, Any]:
        """Return method and request that make it known to the server."""

    def unregistration(self) -> tuple[str, Any]:
        """Return method and request that make the server forget it."""

    def on_registered(self) -> None:
        """Do what is due once the server has mapped it."""

    def write(self, parts: Sequence[Part]) -> None:
        """Write bytes."""

    def read(self, parts: Sequence[Part]) -> None:
        """Fill the parts' arrays."""

    def close(self) -> None:
        """Give the memory back."""


class SystemRegion:
    """Memory under ``/dev/shm``.

    Its name is removed as soon as the server has mapped it, so nothing stays behind however either side ends.

    Parameters
    ----------
    size
        In bytes.

    Raises
    ------
    InputError
        When the system refuses.
    """

    def __init__(self, size: int) -> None:
        self.name, self.size, self.registered = f"oviton-client-{os.getpid()}-{uuid.uuid4().hex[:12]}", size, False
        self._path: Path | None = FOLDER / self.name
        try:
            file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except OSError as error:
            self._path = None
            raise InputError(
                f"shared memory cannot be made in {FOLDER} ({error.strerror}); choose shared_memory='off'"
            ) from None
        try:
            os.posix_fallocate(file, 0, size)  # a full /dev/shm is told here, not by a bus error at the first write
            self._map = mmap.mmap(file, size)
        except OSError as error:
            self._unlink()
            raise InputError(
                f"{FOLDER} has no room for {size} bytes ({error.strerror}); choose shared_memory='off'"
            ) from None
        finally:
            os.close(file)

    def registration(self) -> tuple[str, Any]:
        """Return method and request that make it known to the server."""
        request = messages().SystemSharedMemoryRegisterRequest(
            name=self.name, key=f"/{self.name}", offset=0, byte_size=self.size
        )
        return "SystemSharedMemoryRegister", request

    def unregistration(self) -> tuple[str, Any]:
        """Return method and request that make the server forget it."""
        return "SystemSharedMemoryUnregister", messages().SystemSharedMemoryUnregisterRequest(name=self.name)

    def on_registered(self) -> None:
        """Remove the name: both sides have mapped it."""
        self.registered = True
        self._unlink()

    def write(self, parts: Sequence[Part]) -> None:
        """Write bytes."""
        with memoryview(self._map) as mapped:
            for start, content in parts:
                mapped[start : start + len(content)] = content.data

    def read(self, parts: Sequence[Part]) -> None:
        """Fill the parts' arrays."""
        with memoryview(self._map) as mapped:
            for start, into in parts:
                into.data[:] = mapped[start : start + len(into)]

    def close(self) -> None:
        """Unmap it."""
        self._unlink()
        self._map.close()

    def _unlink(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


class RegionPool:
    """The regions of one client, each used by one call at a time.

    Parameters
    ----------
    make
        Makes a region of so many bytes.
    """

    def __init__(self, make: Any = SystemRegion) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._free: list[Region] = []

    def take(self, size: int) -> Region:
        """Return a free region of at least `size` bytes; it may not be registered yet."""
        with self._lock:
            fitting = [region for region in self._free if region.size >= size]
            if fitting:
                region = min(fitting, key=lambda region: region.size)
                self._free.remove(region)
                return region
        made: Region = self._make(max(SMALLEST, 1 << (size - 1).bit_length()))
        return made

    def give_back(self, region: Region) -> None:
        """Make a region free for the next call."""
        with self._lock:
            self._free.append(region)

    def clear(self) -> list[Region]:
        """Forget all free regions and return them; for a server that does not know them any more, or for closing."""
        with self._lock:
            dropped, self._free = self._free, []
        return dropped


class Layout:
    """Where tensors lie in a region: each on a boundary of 64 bytes, inputs first.

    Parameters
    ----------
    inputs
        Arrays by name.
    outputs
        Bytes by name.
    """

    def __init__(self, inputs: Mapping[str, Array], outputs: Mapping[str, int]) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self._inputs = {name: _flat(array) for name, array in inputs.items()}
        end = 0
        for name, size in [*((name, content.size) for name, content in self._inputs.items()), *outputs.items()]:
            self.places[name] = (end, size)
            end = -(-(end + size) // 64) * 64
        self.size = end

    def fill(self, region: Region) -> None:
        """Write the inputs, each at its place."""
        region.write([(self.places[name][0], content) for name, content in self._inputs.items()])

    def point(self, request: Any, region: Region) -> None:
        """Make a described request read and write the region."""
        for tensor in [*request.inputs, *request.outputs]:
            start, size = self.places[tensor.name]
            tensor.parameters["shared_memory_region"].string_param = region.name
            tensor.parameters["shared_memory_offset"].int64_param = start
            tensor.parameters["shared_memory_byte_size"].int64_param = size

    def read(self, response: Any, region: Region, dtypes: Mapping[str, str]) -> dict[str, Array]:
        """Return the outputs, copied out of the region."""
        found = {
            output.name: np.empty(tuple(output.shape), np.dtype(dtypes[output.datatype])) for output in response.outputs
        }
        region.read([(self.places[name][0], _flat(array)) for name, array in found.items()])
        return found


def _flat(array: Array) -> Array:
    """Return an array's bytes as Triton wants them, uint8 `[B]`; without a copy where they lie so already."""
    if array.dtype == object:
        return np.frombuffer(raw_bytes(array), np.uint8)
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
