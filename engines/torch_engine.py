"""PyTorch itself, from the bundle's `.pt2` programs: the fallback that has autograd."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.errors import InputError
from ..data.optional import require
from .engine import Array, BaseEngine, NumpyArray


class TorchEngine(BaseEngine):
    """Run a graph's `.pt2` program with PyTorch.

    Parameters
    ----------
    bundle, graph
        See `BaseEngine`.
    precision
        ``"fp32"``, or on CUDA ``"fp16"``: convolutions under autocast; what the program casts to FP32, such as
        normalisation, stays there.
    device
        ``"cpu"`` or a CUDA device.
    compiled
        Whether the program goes through `torch.compile`: fused kernels, and on CUDA replayed as CUDA graphs. It is
        compiled at the first run, anew in every process, and serves the thread that compiled it.
    """

    kind = "torch"
    precisions = ("fp32", "fp16")

    def __init__(
        self, bundle: Bundle, graph: GraphEntry, precision: str, device: str = "cpu", *, compiled: bool = False
    ) -> None:
        super().__init__(bundle, graph, precision)
        if precision == "fp16" and device == "cpu":
            raise InputError("engine torch has no precision 'fp16' on a CPU; allowed: fp32")
        self.device, self._compiled = device, compiled
        self._torch = require("torch", extra="refine", purpose="the torch engine")
        self._load(None)

    def _load(self, weights: dict[str, NumpyArray] | None) -> None:
        from ..bundle.programs import allow_autocast, assign_weights, load_program

        has_weights = bool(self.graph.parameters)
        module = load_program(
            self.bundle.graph_file(self.graph, "pt2"),
            self.bundle.graph_file(self.graph, "weights") if has_weights else None,
            self.device,
        )
        if weights:
            values = {n: self._torch.as_tensor(w).float().to(self.device) for n, w in weights.items()}
            assign_weights(module, values)
        if self.precision == "fp16":
            module = allow_autocast(module)
        self._module: Any = module
        if self._compiled:
            # Dynamic, or every new N or M would compile anew, and after a few PyTorch would give up without a word.
            mode = "reduce-overhead" if self.device != "cpu" else "default"
            self._module = self._torch.compile(module, mode=mode, dynamic=True, fullgraph=True)

    def _run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        torch = self._torch
        half = torch.autocast("cuda", torch.float16) if self.precision == "fp16" else nullcontext()
        with torch.inference_mode(), half:
            if self._compiled:
                self._fix_sizes(inputs)
                torch.compiler.cudagraph_mark_step_begin()
            outputs = self._call(*(inputs[spec.name] for spec in self.inputs))
            listed = outputs if isinstance(outputs, tuple | list) else (outputs,)
            if self._compiled:
                listed = tuple(value.clone() for value in listed)  # a replayed graph writes to the same memory again
        # A float form may follow the declared outputs; only refinement wants it.
        return {spec.name: value for spec, value in zip(self.outputs, listed, strict=False)}

    def _call(self, *inputs: Any) -> Any:
        try:
            return self._module(*inputs)
        except self._torch._dynamo.exc.TorchDynamoException as error:  # raised by compilers only
            reason = " ".join(str(error).partition("\n\n")[0].split())  # advice for PyTorch's developers follows
            raise InputError(
                f"engine torch-compile: PyTorch {self._torch.__version__} cannot compile {self.graph.name} ({reason}); "
                "take the engine torch"
            ) from error

    def _fix_sizes(self, inputs: dict[str, Array]) -> None:
        """Have the compiler take a frame's size for a number: of symbols it has to prove too much."""
        for spec in self.inputs:
            for axis, size in enumerate(spec.shape):
                if isinstance(size, int):
                    self._torch._dynamo.mark_static(inputs[spec.name], axis)

    def _release(self) -> None:
        self._module = None

    def _import(self, array: Array) -> Array:
        if isinstance(array, np.ndarray):
            # torch shares neither negative strides nor read-only memory.
            array = np.require(array, requirements=["C", "W"])
        return self._torch.as_tensor(array).to(self.device)

    def _export(self, array: Array, library: Any | None, like: Array) -> Array:
        if library is None:
            return array.cpu().numpy()
        return array.to(like.device) if library is self._torch else library.from_dlpack(array)
