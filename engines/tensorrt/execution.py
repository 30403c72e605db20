"""Running an engine: contexts and buffers by shape, allocated once, the least recently used dropped first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...bundle.manifest import GraphEntry, TensorSpec
from ...data.closeable import Closeable
from ...data.errors import EngineError
from . import arrays
from .builder import sized
from .contexts import ContextMaker
from .graph_capture import CapturedLaunch
from .log import last_error
from .memory import DeviceSession

if TYPE_CHECKING:
    import tensorrt as trt

MAX_SHAPES = 8
"""Shapes, that is pairs of N and M, whose buffers and graphs are kept."""


class Execution(Closeable):
    """An engine's runs on one GPU.

    Parameters
    ----------
    engine
        A deserialised engine.
    contexts
        Makes its execution contexts.
    graph
        What it computes.
    session
        The GPU.
    logger
        TensorRT's messages.
    """

    def __init__(
        self,
        engine: trt.ICudaEngine,
        contexts: ContextMaker,
        graph: GraphEntry,
        session: DeviceSession,
        logger: trt.ILogger,
    ) -> None:
        self._engine, self._contexts, self._graph = engine, contexts, graph
        self._session, self._logger = session, logger
        self._shapes: OrderedDict[tuple[int, int], _Shape] = OrderedDict()

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Run on arrays of one shape, on the host or the GPU.

        Returns
        -------
        dict
            NumPy arrays, or, when the first input lies on the GPU, arrays of its library there. The latter are
            complete for that library's current stream, not for the host.
        """
        session = self._session
        with session.lock, session.current():
            shape = self._shape(inputs)
            like = inputs[self._graph.inputs[0].name]
            on_gpu = arrays.is_on_gpu(like)
            alive = shape.bind_inputs(inputs, session)
            outputs = shape.bind_outputs(like if on_gpu else None)
            shape.launch(session)
            if on_gpu:
                # From here on whatever the caller's library does, also reusing the inputs' memory, comes after us.
                session.let_wait(arrays.callers_stream(like))
                del alive
                return {name: array.owner for name, array in outputs.items()}
            return shape.read_outputs(session)

    def forget_graphs(self) -> None:
        """Drop captured graphs, after the weights changed."""
        for shape in self._shapes.values():
            shape.captured.forget()

    def close(self) -> None:
        """Drop contexts and buffers."""
        with self._session.lock, self._session.current():
            self._session.stream.sync()
            for shape in self._shapes.values():
                shape.close()
            self._shapes.clear()
            self._contexts.close()

    def _shape(self, inputs: dict[str, Any]) -> _Shape:
        sizes = {"N": 1, "M": 1}
        for spec in self._graph.inputs:
            sizes |= {
                axis: int(size)
                for axis, size in zip(spec.shape, inputs[spec.name].shape, strict=True)
                if isinstance(axis, str)
            }
        key = (sizes["N"], sizes["M"])
        if key not in self._shapes:
            if len(self._shapes) >= MAX_SHAPES:
                self._session.stream.sync()
                self._shapes.popitem(last=False)[1].close()
            self._shapes[key] = _Shape(self._graph, sizes, self._contexts, self._session, self._logger)
        self._shapes.move_to_end(key)
        return self._shapes[key]


class _Shape(Closeable):
    """One N and M: a context, buffers on both sides, and the captured launch."""

    def __init__(
        self,
        graph: GraphEntry,
        sizes: dict[str, int],
        contexts: ContextMaker,
        session: DeviceSession,
        logger: trt.ILogger,
    ) -> None:
        self._graph, self._sizes, self._contexts, self._logger = graph, sizes, contexts, logger
        self._context = contexts.make()
        self._addresses: dict[str, int] = {}
        self._bound: tuple[int, ...] = ()
        self._in_flight = False
        self._device: dict[str, Any] = {}
        self._host: dict[str, tuple[Any, npt.NDArray[Any]]] = {}
        for spec in (*graph.inputs, *graph.outputs):
            shape = sized(spec, sizes)
            self._host[spec.name] = session.allocate_pinned(shape, spec.dtype)
            self._device[spec.name] = session.allocate(self._host[spec.name][1].nbytes)
        self._set_shapes()
        self.captured = CapturedLaunch(self._enqueue)

    def bind_inputs(self, inputs: dict[str, Any], session: DeviceSession) -> list[Any]:
        """Point the context at the inputs: where they lie on the GPU, or at a copy. Return what must stay alive."""
        alive = []
        for spec in self._graph.inputs:
            array = inputs[spec.name]
            if arrays.is_on_gpu(array):
                found = arrays.read_in_place(array, session.gpu.index, session.stream_handle, spec.name)
                alive.append(found.owner)
                self._addresses[spec.name] = found.address
                continue
            buffer, view = self._host[spec.name]
            if self._in_flight:  # an earlier run that nobody waited for may still read this
                session.stream.sync()
                self._in_flight = False
            np.copyto(view, array)
            self._device[spec.name].copy_from(buffer, stream=session.stream)
            self._addresses[spec.name] = int(self._device[spec.name].handle)
        return alive

    def bind_outputs(self, like: Any | None) -> dict[str, arrays.DeviceArray]:
        """Point the context at the outputs: new arrays of the caller's library, or this shape's own buffers."""
        made: dict[str, arrays.DeviceArray] = {}
        for spec in self._graph.outputs:
            if like is None:
                self._addresses[spec.name] = int(self._device[spec.name].handle)
                continue
            made[spec.name] = arrays.empty_like(like, sized(spec, self._sizes), spec.dtype)
            self._addresses[spec.name] = made[spec.name].address
        return made

    def launch(self, session: DeviceSession) -> None:
        """Enqueue one inference."""
        if self._contexts.captures_itself:
            self._set_shapes()  # the context is shared by all shapes
        address, size = session.scratch(self._contexts.scratch_size)
        key = (address, *self._addresses.values())
        if key != self._bound or self._contexts.captures_itself:
            self._bind(address, size)
            self._bound = key
        self.captured.run(session.stream, key, capturable=not self._contexts.captures_itself)
        self._in_flight = True

    def read_outputs(self, session: DeviceSession) -> dict[str, npt.NDArray[Any]]:
        """Copy the results to the host and wait for them."""
        for spec in self._graph.outputs:
            self._device[spec.name].copy_to(self._host[spec.name][0], stream=session.stream)
        session.stream.sync()
        self._in_flight = False
        return {spec.name: self._host[spec.name][1].copy() for spec in self._graph.outputs}

    def close(self) -> None:
        """Give the buffers back."""
        self.captured.forget()
        for buffer in (*self._device.values(), *(pinned for pinned, _ in self._host.values())):
            buffer.close()
        self._device.clear()
        self._host.clear()

    def _set_shapes(self) -> None:
        for spec in self._graph.inputs:
            self._check(self._context.set_input_shape(spec.name, sized(spec, self._sizes)), spec, "shape")

    def _bind(self, scratch: int, size: int) -> None:
        context: Any = self._context
        if hasattr(context, "set_device_memory"):
            context.set_device_memory(scratch, size)
        else:
            context.device_memory = scratch
        for spec in (*self._graph.inputs, *self._graph.outputs):
            self._check(self._context.set_tensor_address(spec.name, self._addresses[spec.name]), spec, "address")

    def _enqueue(self, stream: int) -> None:
        if not self._context.execute_async_v3(stream):
            raise EngineError(f"{self._graph.name} did not run: {last_error(self._logger)}")

    def _check(self, accepted: bool, spec: TensorSpec, what: str) -> None:
        if not accepted:
            raise EngineError(
                f"{self._graph.name}: the plan refused the {what} of {spec.name} at {self._sizes}: "
                f"{last_error(self._logger)}"
            )
