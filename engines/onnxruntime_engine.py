"""ONNX Runtime on the CPU: the reference every other engine is measured against."""

from __future__ import annotations

from typing import Any

from ..bundle.bundle import Bundle
from ..bundle.manifest import Form, GraphEntry
from ..data.optional import require
from .engine import BaseEngine, NumpyArray


class OnnxRuntimeEngine(BaseEngine):
    """Run a graph's ONNX form with ONNX Runtime.

    ``fp16`` runs the typed FP16 graph; on a CPU that is for checking it, not for speed.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`.
    threads
        Of one inference; None leaves it to ONNX Runtime.
    """

    kind = "onnxruntime"
    precisions = ("fp32", "fp16")

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str, threads: int | None = None) -> None:
        super().__init__(bundle, graph, precision)
        self._threads = threads or 0
        self._load(None)

    def _load(self, weights: dict[str, NumpyArray] | None) -> None:
        ort = require("onnxruntime", purpose="the onnxruntime engine")
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3  # errors; it warns that it cannot fold FP16 constants on a CPU
        if weights:
            values = [ort.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
            options.add_external_initializers(list(weights), values)
        form: Form = "onnx_fp16" if self.precision == "fp16" else "onnx_fp32"
        path = self.bundle.graph_file(self.graph, form)
        self._session: Any = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def _run(self, inputs: dict[str, NumpyArray]) -> dict[str, NumpyArray]:
        names = [spec.name for spec in self.outputs]
        return dict(zip(names, self._session.run(names, inputs), strict=True))

    def _release(self) -> None:
        self._session = None
