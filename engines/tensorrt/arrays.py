"""Arrays that lie on the GPU already: read where they are, and answered with arrays of the same library."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from ...data.errors import InputError
from ...data.optional import require

_CUDA = (2, 13)
"""DLPack's device types of CUDA memory: plain, and managed."""


@dataclass(frozen=True)
class DeviceArray:
    """An array on the GPU, in C order.

    Parameters
    ----------
    owner
        The array itself, kept alive.
    address
        Its first element.
    """

    owner: Any
    address: int


def is_on_gpu(array: Any) -> bool:
    """Tell whether an array with DLPack lies in CUDA memory."""
    device = getattr(array, "__dlpack_device__", None)
    return device is not None and int(device()[0]) in _CUDA


def read_in_place(array: Any, gpu_index: int, stream_handle: int, name: str) -> DeviceArray:
    """Return where an array lies; what its library still computes is finished before our stream reads it.

    Raises
    ------
    InputError
        When it lies on another GPU.
    """
    device = int(array.__dlpack_device__()[1])
    if device != gpu_index:
        raise InputError(f"input {name} lies on GPU {device}, and the engine runs on GPU {gpu_index}; move it there")
    utils = require("cuda.core.utils", extra="rtx", purpose="an engine on an NVIDIA GPU")
    array = array.detach() if hasattr(array, "detach") else array
    view = utils.StridedMemoryView.from_any_interface(array, stream_ptr=stream_handle)
    if view.strides is not None and not _is_c_order(tuple(view.shape), tuple(view.strides)):
        library = sys.modules[type(array).__module__.split(".")[0]]
        array = array.contiguous() if hasattr(array, "contiguous") else library.ascontiguousarray(array)
        view = utils.StridedMemoryView.from_any_interface(array, stream_ptr=stream_handle)
    return DeviceArray(array, int(view.ptr))


def empty_like(array: Any, shape: tuple[int, ...], dtype: str) -> DeviceArray:
    """Make an array of the same library on the same GPU, in that library's own memory: it outlives the engine.

    Raises
    ------
    InputError
        When the library is neither PyTorch nor CuPy.
    """
    library = _library(array)
    if library.__name__ == "torch":
        made = library.empty(shape, dtype=getattr(library, dtype), device=array.device)
        return DeviceArray(made, int(made.data_ptr()))
    made = library.empty(shape, dtype=dtype)
    return DeviceArray(made, int(made.data.ptr))


def callers_stream(array: Any) -> int:
    """Return the stream that the caller's library uses now, which is to wait for our results."""
    library = _library(array)
    if library.__name__ == "torch":
        return int(library.cuda.current_stream(array.device).cuda_stream)
    return int(library.cuda.get_current_stream().ptr)


def _library(array: Any) -> Any:
    name = type(array).__module__.split(".")[0]
    if name not in ("torch", "cupy"):
        raise InputError(f"arrays of {name} on a GPU are not taken; allowed: PyTorch, CuPy, or NumPy on the host")
    return sys.modules[name]


def _is_c_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
