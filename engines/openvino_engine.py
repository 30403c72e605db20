"""OpenVINO on the CPU: the fastest embedded engine, in bf16 where the processor has it, and in INT8."""

from __future__ import annotations

import io
import platform
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.errors import GateError, InputError
from ..data.optional import require
from .engine import BaseEngine
from .input_checks import NumpyArray
from .openvino_int8 import digest, quantize_convolutions
from .plan_cache import PlanCache
from .plan_key import PlanKey, processor
from .registry import EngineSpec, register

if TYPE_CHECKING:
    from .loading import Loading

PRECISION_HINT = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""OpenVINO's names. What is computed outside of INT8 convolutions stays FP32."""


@register(
    EngineSpec(
        engine="openvino",
        device="cpu",
        precisions=("bf16", "int8", "fp32"),
        module="openvino",
        distributions=("openvino",),
        auto=True,
        rank=40,
        threads=True,
        parallel=True,
    )
)
class OpenVinoEngine(BaseEngine):
    """Run a graph's ONNX form with OpenVINO, one request at a time.

    OpenVINO lays out memory and fuses operations for sizes that it knows. So there is a plan for each number of garment
    photographs, made when that number first comes and kept from then on. A batch runs request by request: on a CPU
    that takes about as long, and a request's answer does not depend on what it was batched with.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`. The precision is always set: left alone, OpenVINO takes bf16 by itself where it can.
    cache
        Where compiled plans are kept. Default: None, they are compiled in memory only.
    threads
        How many CPU threads an inference runs on; another number may round sums differently. Default: None, what
        OpenVINO takes by itself.
    """

    def __init__(
        self,
        bundle: Bundle,
        graph: GraphEntry,
        precision: str,
        cache: PlanCache | None = None,
        threads: int | None = None,
    ) -> None:
        if precision == "int8" and not graph.activation_ranges:
            raise InputError(f"{bundle.path}: graph {graph.name} was not calibrated for int8; allowed: fp32, bf16")
        self._cache, self._threads = cache, threads
        super().__init__(bundle, graph, precision)

    @classmethod
    def probe(cls, spec: EngineSpec) -> tuple[str, ...]:
        """Return the precisions that this processor has kernels for."""
        has = {"fp32": True, "bf16": cls.has_bf16(), "int8": cls.has_int8()}
        return tuple(precision for precision in spec.precisions if has[precision])

    @classmethod
    def loader(cls, loading: Loading) -> Callable[[GraphEntry], BaseEngine]:
        """Return what makes the engine of a graph.

        Graphs that bf16 would be too coarse for stay FP32, and with INT8 those that are not calibrated for it.
        """

        def load(graph: GraphEntry) -> BaseEngine:
            rounded = bool(graph.activation_ranges) if loading.precision == "int8" else not graph.precise
            precision = loading.precision if rounded else "fp32"
            return cls(loading.bundle, graph, precision, loading.cache, loading.options.threads)

        return load

    @staticmethod
    def has_bf16() -> bool:
        """Whether this processor computes in bf16."""
        return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    @staticmethod
    def has_int8() -> bool:
        """Whether this processor has kernels for INT8 convolutions that are faster than FP32's: any x86 does."""
        named = "INT8" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return named and platform.machine().lower() in ("x86_64", "amd64")

    @staticmethod
    def saturates_int8() -> bool:
        """Whether this processor may overflow in INT8 convolutions; see `quantize_convolutions`."""
        return "vnni" not in processor()[1]

    def _load(self, weights: dict[str, NumpyArray] | None) -> _Requests:
        return _Requests(weights, {1: self._prepare(1, weights)})

    def _prepare(self, garments: int, weights: dict[str, NumpyArray] | None) -> Any:
        """Return OpenVINO's request for so many garments, with the bundle's weights or those given."""
        if weights is None and self._cache is not None:
            compiled = self._compile_once(garments, self._cache)
        else:
            compiled = self._compile(garments, weights)
        return compiled.create_infer_request()

    def _compile_once(self, garments: int, cache: PlanCache) -> Any:
        """Return the compiled model from the cache, where it is put when it is not there or cannot be read."""
        key = PlanKey.of(self.bundle, self.graph, self.kind, self.precision, self._options | self._rounding)
        key = replace(key, profile=f"N=1,M={garments}")
        plan = cache.get_or_build(key, lambda: self._build_plan(garments))
        try:
            compiled = _core().import_model(plan.data, "CPU", self._options)
        except RuntimeError:
            if not plan.hit:
                raise
            cache.discard(plan)
            plan = cache.get_or_build(key, lambda: self._build_plan(garments))
            compiled = _core().import_model(plan.data, "CPU", self._options)
        if garments == 1:
            self.plan = replace(plan, data=b"")
        return compiled

    def _build_plan(self, garments: int) -> bytes:
        stream = io.BytesIO()
        self._compile(garments, None).export_model(stream)
        return stream.getvalue()

    @property
    def _options(self) -> dict[str, str]:
        options = {"INFERENCE_PRECISION_HINT": PRECISION_HINT[self.precision], "PERFORMANCE_HINT": "LATENCY"}
        if self._threads is not None:
            # Not pinned: processes with few threads each would all be pinned to the first cores.
            options |= {"INFERENCE_NUM_THREADS": str(self._threads), "ENABLE_CPU_PINNING": "NO"}
        return options

    @property
    def _rounding(self) -> dict[str, str]:
        if self.precision != "int8":
            return {}
        weights = "half" if self.saturates_int8() else "whole"
        return {"activation_ranges": digest(self.graph.activation_ranges), "weight_range": weights}

    def _compile(self, garments: int, weights: dict[str, NumpyArray] | None) -> Any:
        model = _core().read_model(self.bundle.graph_file(self.graph, "onnx_fp32"))
        sizes = {"N": 1, "M": garments}
        model.reshape(
            {spec.name: [sizes[size] if isinstance(size, str) else size for size in spec.shape] for spec in self.inputs}
        )
        if weights:
            _replace_constants(model, weights)
        if self.precision != "int8":
            return _core().compile_model(model, "CPU", self._options)
        quantize_convolutions(model, self.graph.activation_ranges, saturates=self.saturates_int8())
        try:
            return _core().compile_model(model, "CPU", self._options)
        except RuntimeError as error:  # its rewriting for INT8 is younger than the rest of it
            reason = str(error).strip().splitlines()[-1]
            raise GateError(f"{self.graph.name}: OpenVINO cannot compile it in int8 ({reason})") from error

    def _run(self, network: _Requests, inputs: dict[str, NumpyArray]) -> dict[str, NumpyArray]:
        garments = next((inputs[spec.name].shape[1] for spec in self.inputs if "M" in spec.shape), 1)
        count = len(inputs[self.inputs[0].name])
        with network.lock:  # OpenVINO's request runs one inference at a time
            if garments not in network.by_garments:
                network.by_garments[garments] = self._prepare(garments, network.weights)
            request = network.by_garments[garments]
            results = [
                # Shared outputs would be overwritten by the next run under the caller's hands.
                request.infer(_row(inputs, row), share_inputs=True, share_outputs=False)
                for row in range(count)
            ]
        if count == 1:
            return {spec.name: results[0][spec.name] for spec in self.outputs}
        return {spec.name: np.concatenate([each[spec.name] for each in results]) for spec in self.outputs}


@dataclass
class _Requests:
    """OpenVINO's requests with the same weights, one for each number of garments; None for the bundle's weights."""

    weights: dict[str, NumpyArray] | None
    by_garments: dict[int, Any]
    lock: threading.Lock = field(default_factory=threading.Lock)


def _row(inputs: Mapping[str, NumpyArray], row: int) -> dict[str, NumpyArray]:
    return {name: array[row : row + 1] for name, array in inputs.items()}


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
