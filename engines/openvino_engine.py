"""OpenVINO on the CPU: the fastest embedded engine, in bf16 where the processor has it."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from functools import cache
from typing import Any

from ..data.optional import require
from ..export.bundle import Bundle
from ..export.manifest import GraphEntry
from .engine import BaseEngine, NumpyArray
from .plan_cache import Plan, PlanCache
from .plan_key import PlanKey

_HINT = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoEngine(BaseEngine):
    """Run a graph's ONNX form with OpenVINO.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`. The precision is always set: left alone, OpenVINO takes bf16 by itself where it can.
    cache
        Where compiled plans are kept; None compiles in memory only.
    threads
        Of one inference; None leaves it to OpenVINO. Sums may be rounded differently with another number.
    """

    kind = "openvino"
    precisions = ("fp32", "bf16")

    def __init__(
        self,
        bundle: Bundle,
        graph: GraphEntry,
        precision: str,
        cache: PlanCache | None = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(bundle, graph, precision)
        self._cache, self._threads = cache, threads
        self._lock = threading.Lock()
        self.plan: Plan | None = None
        self._load(None)

    @staticmethod
    def has_bf16() -> bool:
        """Whether this processor computes in bf16."""
        return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    def _load(self, weights: dict[str, NumpyArray] | None) -> None:
        if weights is None and self._cache is not None:
            key = PlanKey.of(self.bundle, self.graph, self.kind, self.precision, self._options)
            plan = self._cache.get_or_build(key, self._build_plan)
            self._compiled = _core().import_model(plan.data, "CPU", self._options)
            self.plan = replace(plan, data=b"")
        else:
            self._compiled = self._compile(weights)
        self._request = self._compiled.create_infer_request()

    def _build_plan(self) -> bytes:
        stream = io.BytesIO()
        self._compile(None).export_model(stream)
        return stream.getvalue()

    @property
    def _options(self) -> dict[str, str]:
        options = {"INFERENCE_PRECISION_HINT": _HINT[self.precision], "PERFORMANCE_HINT": "LATENCY"}
        if self._threads is not None:
            # Not pinned: processes with few threads each would all be pinned to the first cores.
            options |= {"INFERENCE_NUM_THREADS": str(self._threads), "ENABLE_CPU_PINNING": "NO"}
        return options

    def _compile(self, weights: dict[str, NumpyArray] | None) -> Any:
        model = _core().read_model(self.bundle.graph_file(self.graph, "onnx_fp32"))
        if weights:
            _replace_constants(model, weights)
        return _core().compile_model(model, "CPU", self._options)

    def _run(self, inputs: dict[str, NumpyArray]) -> dict[str, NumpyArray]:
        with self._lock:  # a request runs one inference at a time
            # Shared outputs would be overwritten by the next run under the caller's hands.
            results = self._request.infer(inputs, share_inputs=True, share_outputs=False)
            return {spec.name: results[spec.name] for spec in self.outputs}

    def _release(self) -> None:
        self._request = self._compiled = None


def _replace_constants(model: Any, weights: dict[str, NumpyArray]) -> None:
    opset = require("openvino", purpose="the openvino engine").opset13
    found = {op.get_friendly_name(): op for op in model.get_ops() if op.get_type_name() == "Constant"}
    lost = sorted(weights.keys() - found.keys())
    if lost:
        raise RuntimeError(f"OpenVINO renamed the weights {', '.join(lost)}; they cannot be refitted")
    for name, value in weights.items():
        constant = opset.constant(value)
        constant.set_friendly_name(name)
        for target in list(found[name].output(0).get_target_inputs()):
            target.replace_source_output(constant.output(0))


@cache
def _core() -> Any:
    return require("openvino", purpose="the openvino engine").Core()
