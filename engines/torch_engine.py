"""PyTorch itself, from the bundle's `.pt2` programs: the fallback that has autograd."""

from __future__ import annotations

import importlib.util
import runpy
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.errors import InputError
from ..data.optional import require
from .engine import BaseEngine
from .input_checks import Array, NumpyArray
from .registry import EngineSpec, register

if TYPE_CHECKING:
    from .loading import Loading


def _built_for_cuda() -> str | None:
    """Return the CUDA that the installed torch was built for, without importing torch, which takes seconds."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    version: str | None = runpy.run_path(str(Path(spec.submodule_search_locations[0]) / "version.py")).get("cuda")
    return version


@register(
    EngineSpec(
        engine="torch",
        device="cuda",
        precisions=("fp16", "fp32"),
        module="torch",
        distributions=("torch",),
        extra="refine",
        auto=True,
        rank=30,
    )
)
@register(
    EngineSpec(
        engine="torch",
        device="cpu",
        precisions=("fp32",),
        module="torch",
        distributions=("torch",),
        extra="refine",
        auto=True,
        rank=60,
    )
)
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
        ``"cpu"`` or a CUDA device. Default: ``"cpu"``.
    """

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str, device: str = "cpu") -> None:
        if precision == "fp16" and device == "cpu":
            raise InputError(f"engine {self.kind} has no precision 'fp16' on a CPU; allowed: fp32")
        self.device = device
        self._torch = require("torch", extra="refine", purpose="the torch engine")
        super().__init__(bundle, graph, precision)

    @classmethod
    def hardware(cls, spec: EngineSpec) -> str:
        """Describe the GPU, for an engine that runs on one."""
        if spec.device == "cpu":
            return ""
        if _built_for_cuda() is None:
            raise InputError("this build of torch has no CUDA")
        torch = require("torch", extra="refine", purpose="the torch engine")
        if not torch.cuda.is_available():
            raise InputError("torch finds no CUDA GPU or driver")
        major, minor = torch.cuda.get_device_capability()
        return f"{torch.cuda.get_device_name()}, compute capability {major}.{minor}, CUDA {torch.version.cuda}"

    @classmethod
    def loader(cls, loading: Loading) -> Callable[[GraphEntry], BaseEngine]:
        """Return what makes the engine of a graph."""
        return lambda graph: cls(loading.bundle, graph, loading.precision, loading.chosen.candidate.device)

    def _load(self, weights: dict[str, NumpyArray] | None) -> Any:
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
        return allow_autocast(module) if self.precision == "fp16" else module

    def _run(self, network: Any, inputs: dict[str, Array]) -> dict[str, Array]:
        torch = self._torch
        half = torch.autocast("cuda", torch.float16) if self.precision == "fp16" else nullcontext()
        with torch.inference_mode(), half:
            outputs = network(*(inputs[spec.name] for spec in self.inputs))
        listed = outputs if isinstance(outputs, tuple | list) else (outputs,)
        # A float form may follow the declared outputs; only refinement wants it.
        return {spec.name: value for spec, value in zip(self.outputs, listed, strict=False)}

    def _import(self, array: Array) -> Array:
        if isinstance(array, np.ndarray):
            # torch shares neither negative strides nor read-only memory.
            array = np.require(array, requirements=["C", "W"])
        return self._torch.as_tensor(array).to(self.device)

    def _export(self, array: Array, library: Any | None, like: Array) -> Array:
        if library is None:
            return array.cpu().numpy()
        return array.to(like.device) if library is self._torch else library.from_dlpack(array)
