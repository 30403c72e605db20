"""ONNX Runtime on the CPU: the reference every other engine is measured against."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..bundle.bundle import Bundle
from ..bundle.manifest import Form, GraphEntry
from ..data.optional import require
from .engine import BaseEngine
from .input_checks import NumpyArray
from .registry import EngineSpec, register

if TYPE_CHECKING:
    from .loading import Loading


@register(
    EngineSpec(
        engine="onnxruntime",
        device="cpu",
        precisions=("fp32", "fp16"),
        module="onnxruntime",
        distributions=("onnxruntime",),
        auto=True,
        rank=50,
        threads=True,
        parallel=True,
    )
)
class OnnxRuntimeEngine(BaseEngine):
    """Run a graph's ONNX form with ONNX Runtime.

    ``fp16`` runs the typed FP16 graph; on a CPU that is for checking it, not for speed.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`.
    threads
        How many CPU threads an inference runs on. Default: None, what ONNX Runtime takes by itself.
    """

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str, threads: int | None = None) -> None:
        self._threads = threads or 0
        super().__init__(bundle, graph, precision)

    @classmethod
    def loader(cls, loading: Loading) -> Callable[[GraphEntry], BaseEngine]:
        """Return what makes the engine of a graph."""
        return lambda graph: cls(loading.bundle, graph, loading.precision, loading.options.threads)

    def _load(self, weights: dict[str, NumpyArray] | None) -> Any:
        ort = require("onnxruntime", purpose="the onnxruntime engine")
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3  # errors; it warns that it cannot fold FP16 constants on a CPU
        if weights:
            values = [ort.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
            options.add_external_initializers(list(weights), values)
        form: Form = "onnx_fp16" if self.precision == "fp16" else "onnx_fp32"
        path = self.bundle.graph_file(self.graph, form)
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def _run(self, network: Any, inputs: dict[str, NumpyArray]) -> dict[str, NumpyArray]:
        names = [spec.name for spec in self.outputs]
        return dict(zip(names, network.run(names, inputs), strict=True))
