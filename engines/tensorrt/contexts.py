"""Execution contexts: one for each shape in TensorRT, one for all in TensorRT-RTX, which specialises by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...data.closeable import Closeable
from ...data.errors import EngineError

if TYPE_CHECKING:
    import tensorrt as trt


class ContextMaker(Closeable):
    """Makes execution contexts that share the session's scratch memory.

    Parameters
    ----------
    module, engine
        The library, and a deserialised engine.
    runtime_config
        TensorRT-RTX's runtime configuration; None for TensorRT. With one, a single context serves all shapes and
        captures its own graphs.
    """

    def __init__(self, module: Any, engine: trt.ICudaEngine, runtime_config: Any = None) -> None:
        self._module, self._engine, self._config = module, engine, runtime_config
        self._only: trt.IExecutionContext | None = None

    @property
    def captures_itself(self) -> bool:
        """Whether the library captures graphs on its own."""
        return self._config is not None

    @property
    def scratch_size(self) -> int:
        """Return how many bytes of scratch memory a run needs at most."""
        engine: Any = self._engine
        # TensorRT before 10.1 has no second version of it, and 11 has no first.
        size = engine.device_memory_size_v2 if hasattr(engine, "device_memory_size_v2") else engine.device_memory_size
        return int(size)

    def make(self) -> trt.IExecutionContext:
        """Return a context for one shape.

        Raises
        ------
        EngineError
            When the library refuses, most often for want of memory.
        """
        if self._only is not None:
            return self._only
        strategy = self._module.ExecutionContextAllocationStrategy.USER_MANAGED
        if self._config is None:
            context = self._engine.create_execution_context(strategy)
        else:
            self._config.set_execution_context_allocation_strategy(strategy)
            engine: Any = self._engine
            context = engine.create_execution_context(self._config)
        if context is None:
            raise EngineError("no execution context could be made; is the GPU's memory full?")
        if self.captures_itself:
            self._only = context
        return context

    def close(self) -> None:
        """Drop the shared context."""
        self._only = None
