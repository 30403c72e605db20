"""Replacing a loaded engine's weights, by their PyTorch names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.errors import EngineError
from . import arrays
from .log import last_error
from .memory import DeviceSession

if TYPE_CHECKING:
    import tensorrt as trt


def refit_engine(
    module: Any, engine: trt.ICudaEngine, logger: trt.ILogger, weights: Mapping[str, Any], session: DeviceSession
) -> None:
    """Set all of an engine's weights, and check that none was left out.

    Parameters
    ----------
    module, engine, logger
        The library, and an engine whose plan is refittable.
    weights
        All of the graph's parameters, FP16, by PyTorch name: NumPy arrays, or torch tensors on the engine's GPU, which
        are taken from there.
    session
        Where the engine runs. Runs enqueued on its stream before see the old weights, those after the new.

    Raises
    ------
    EngineError
        When the plan has not these weights, or more than these.
    """
    refitter: trt.Refitter = module.Refitter(engine, logger)
    known = set(refitter.get_all_weights())
    if unknown := sorted(weights.keys() - known):
        raise EngineError(f"the plan has no weights {', '.join(unknown[:3])}; it was not built from this graph")
    alive: list[Any] = []  # TensorRT reads them when it refits, not when it is told of them
    from_gpu = False
    for name, value in weights.items():
        prototype = refitter.get_weights_prototype(name)
        wanted = np.float32 if prototype.dtype == module.DataType.FLOAT else np.float16
        if arrays.is_on_gpu(value):
            typed = value.detach().float() if wanted is np.float32 else value.detach().half()
            tensor = arrays.read_in_place(typed, session.gpu.index, session.stream_handle, name)
            location, address, count = module.TensorLocation.DEVICE, tensor.address, value.numel()
            alive.append(tensor)
            from_gpu = True
        else:
            array = np.ascontiguousarray(value, dtype=wanted)
            alive.append(array)
            location, address, count = module.TensorLocation.HOST, array.ctypes.data, array.size
        if count != prototype.size:
            raise EngineError(f"weights {name} have {count} values; the plan holds {prototype.size}")
        if not refitter.set_named_weights(name, module.Weights(prototype.dtype, address, count), location):
            raise EngineError(f"weights {name} were refused: {last_error(logger)}")
    left = sorted({*refitter.get_missing_weights(), *(known - weights.keys())})
    if left:
        raise EngineError(f"weights {', '.join(left[:3])} would keep their old values; nothing was refitted")
    if not refitter.refit_cuda_engine_async(session.stream_handle):
        raise EngineError(f"the refit failed: {last_error(logger)}")
    if from_gpu:  # the host's arrays were copied; those on the GPU are read when the stream comes to it
        session.stream.sync()
    del alive
