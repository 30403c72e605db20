"""torch-tensorrt from the bundle's `.pt2` programs: an alternative that falls back to PyTorch where TensorRT stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry, TensorSpec
from ..data.optional import require
from .engine import BaseEngine
from .input_checks import NumpyArray
from .plan_cache import PlanCache
from .registry import EngineSpec, register
from .torch_engine import TorchEngine

if TYPE_CHECKING:
    from .loading import Loading

MIN_BLOCK = 5
"""Fewer operators than this in a row are left to PyTorch: entering TensorRT for them costs more than it saves."""


@register(
    EngineSpec(
        engine="torch-tensorrt",
        device="cuda",
        precisions=("fp16", "fp32"),
        module="torch_tensorrt",
        distributions=("torch-tensorrt",),
        extra="torch-tensorrt",
        rank=70,
    )
)
class TorchTensorRtEngine(TorchEngine):
    """Compile a graph's program with torch-tensorrt, with dynamic N and M.

    Compilation takes place in every process; engines and kernel times that it made are kept on disk.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`. ``fp16`` computes under the autocast of torch-tensorrt; what the program casts to FP32, such
        as normalisation, stays there.
    cache
        Where built engines and kernel times are kept. Default: None, they are not kept.
    """

    def __init__(self, bundle: Bundle, graph: GraphEntry, precision: str, cache: PlanCache | None = None) -> None:
        self._trt = require("torch_tensorrt", extra="torch-tensorrt", purpose="the torch-tensorrt engine")
        self._cache_root = cache.root if cache is not None else None
        super().__init__(bundle, graph, precision, "cuda")

    @classmethod
    def loader(cls, loading: Loading) -> Callable[[GraphEntry], BaseEngine]:
        """Return what makes the engine of a graph."""
        return lambda graph: cls(loading.bundle, graph, loading.precision, loading.cache)

    def _load(self, weights: dict[str, NumpyArray] | None) -> Any:
        from ..bundle.programs import load_exported

        files = self.bundle.graph_file(self.graph, "pt2")
        stored = self.bundle.graph_file(self.graph, "weights") if self.graph.parameters else None
        program = load_exported(files, stored, self.device, weights)
        settings: dict[str, Any] = {
            "min_block_size": MIN_BLOCK,
            "truncate_double": True,
            "disable_tf32": True,
        }
        if self.precision == "fp16":
            settings |= {"enable_autocast": True, "autocast_low_precision_type": self._torch.float16}
        if self._cache_root is not None:
            folder = self._cache_root / "torch-tensorrt"
            (folder / "engines").mkdir(parents=True, exist_ok=True)
            settings |= {
                "cache_built_engines": True,
                "reuse_cached_engines": True,
                "engine_cache_dir": str(folder / "engines"),
                "timing_cache_path": str(folder / "timing.cache"),
                "immutable_weights": False,  # cached engines are refitted with the weights at hand
            }
        inputs = [self._input(spec) for spec in self.inputs]
        return self._trt.dynamo.compile(program, inputs=inputs, **settings)

    def _input(self, spec: TensorSpec) -> Any:
        manifest = self.bundle.manifest
        largest = {"N": manifest.max_requests, "M": manifest.max_garments}
        low, high = (
            tuple(sizes[size] if isinstance(size, str) else size for size in spec.shape)
            for sizes in ({"N": 1, "M": 1}, largest)
        )
        dtype = getattr(self._torch, spec.dtype)
        return self._trt.Input(min_shape=low, opt_shape=low, max_shape=high, dtype=dtype, name=spec.name)
