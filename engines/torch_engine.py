"""PyTorch itself, from the bundle's `.pt2` programs: the fallback that has autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.optional import require
from ..export.bundle import Bundle
from ..export.manifest import GraphEntry
from .engine import Array, BaseEngine, NumpyArray


class TorchEngine(BaseEngine):
    """Run a graph's `.pt2` program with PyTorch, in FP32.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`.
    device
        ``"cpu"`` or a CUDA device.
    """

    kind = "torch"
    precisions = ("fp32",)

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str, device: str = "cpu") -> None:
        super().__init__(bundle, graph, precision)
        self.device = device
        self._torch = require("torch", extra="refine", purpose="the torch engine")
        self._load(None)

    def _load(self, weights: dict[str, NumpyArray] | None) -> None:
        from ..export.program import assign_weights, load_program

        has_weights = bool(self.graph.parameters)
        module = load_program(
            self.bundle.graph_file(self.graph, "pt2"),
            self.bundle.graph_file(self.graph, "weights") if has_weights else None,
            self.device,
        )
        if weights:
            values = {n: self._torch.from_numpy(w).float().to(self.device) for n, w in weights.items()}
            assign_weights(module, values)
        self._module: Any = module

    def _run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        with self._torch.inference_mode():
            outputs = self._module(*(inputs[spec.name] for spec in self.inputs))
        listed = outputs if isinstance(outputs, tuple | list) else (outputs,)
        # A float form may follow the declared outputs; only refinement wants it.
        return {spec.name: value for spec, value in zip(self.outputs, listed, strict=False)}

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
