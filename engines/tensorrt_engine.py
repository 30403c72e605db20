"""A bundle's graph on TensorRT or TensorRT-RTX; the folder `tensorrt` holds the parts of both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from safetensors.numpy import load_file

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.errors import EngineError, InputError
from .engine import BaseEngine
from .input_checks import Array, NumpyArray
from .plan_cache import Plan, PlanCache
from .registry import EngineSpec, register
from .tensorrt import arrays
from .tensorrt.builder import PlanBuilder
from .tensorrt.contexts import ContextMaker
from .tensorrt.execution import Execution
from .tensorrt.flavour import TENSORRT, TENSORRT_RTX, Flavour
from .tensorrt.log import last_error, make_logger, make_with
from .tensorrt.memory import DeviceSession
from .tensorrt.network import NetworkSummary
from .tensorrt.options import BuildOptions
from .tensorrt.plan import OnGraphProgress, OnMismatch, check_header, check_stored, obtain_plan, plan_key
from .tensorrt.refit import refit_engine
from .tensorrt.runtime_cache import RuntimeCacheFile

if TYPE_CHECKING:
    import tensorrt as trt

    from .loading import Loading


def _spec(flavour: Flavour, rank: int) -> EngineSpec:
    return EngineSpec(
        engine=flavour.name,
        device="cuda",
        precisions=flavour.precisions,
        module=flavour.module,
        distributions=tuple(name for name, _ in flavour.distributions),
        extra=flavour.extra,
        auto=True,
        rank=rank,
        build_options=True,
    )


@register(_spec(TENSORRT, rank=10))
class TensorRtEngine(BaseEngine):
    """Run a graph's plan on an NVIDIA GPU.

    Arrays on the host go through page-locked memory; PyTorch and CuPy arrays on the GPU are read where they are, and
    answered with arrays of their library. A shape that comes again is replayed as a CUDA graph.

    Parameters
    ----------
    bundle, graph, precision
        See `BaseEngine`.
    session
        The GPU, shared with the other engines of a set.
    cache
        Where plans and finished kernels are kept.
    options
        How a plan is built when none is stored. Default: None, those of `BuildOptions`.
    on_mismatch
        Whether a plan is built when no stored one fits, or an error says why none does. Default: it is built.
    on_progress
        Called while a plan is built. Default: nothing is called.

    Raises
    ------
    InputError
        When the library is missing or a stored plan is refused.
    EngineError
        When TensorRT fails.
    GateError
        When FP16 was asked for and the plan is not in FP16.
    """

    flavour: ClassVar[Flavour] = TENSORRT

    def __init__(
        self,
        bundle: Bundle,
        graph: GraphEntry,
        precision: str,
        session: DeviceSession,
        cache: PlanCache,
        options: BuildOptions | None = None,
        on_mismatch: OnMismatch = "rebuild",
        on_progress: OnGraphProgress | None = None,
    ) -> None:
        self._cache, self._options = cache, options or BuildOptions()
        self._on_mismatch, self._on_progress = on_mismatch, on_progress
        self._module = self.flavour.load()
        self._logger = make_logger(self._module)
        self._engine: trt.ICudaEngine | None = None
        self._execution: Execution | None = None
        self._kernels: tuple[RuntimeCacheFile, Any] | None = None
        self._session = session.acquire()
        self._holds_session = True
        try:
            super().__init__(bundle, graph, precision)
        except BaseException:
            self._release()
            raise

    @classmethod
    def hardware(cls, spec: EngineSpec) -> str:
        """Describe the GPU."""
        gpu = cls.flavour.gpu()
        return f"{gpu.name}, compute capability {gpu.capability}, CUDA {gpu.driver}"

    @classmethod
    def loader(cls, loading: Loading) -> Callable[[GraphEntry], BaseEngine]:
        """Return what makes the engine of a graph; all share one stream and one scratch buffer."""
        session, options = DeviceSession(cls.flavour.gpu()), loading.options

        def tell(graph: str, what: str, share: float) -> None:
            if loading.on_progress is not None:
                loading.on_progress(f"building {graph}: {what.lower()} ({share:.0%})")

        return lambda graph: cls(
            loading.bundle,
            graph,
            loading.precision,
            session,
            loading.cache,
            options.build_options,
            options.on_mismatch,
            tell,
        )

    @property
    def refittable(self) -> bool:
        """Whether the loaded plan's weights can be replaced as it is."""
        return self._engine is not None and bool(self._engine.refittable)

    def _load(self, weights: dict[str, NumpyArray] | None) -> Any:
        """Load the plan; for other weights, a refittable one, which is built when the one at hand is not."""
        with self._session.lock, self._session.current():
            if self._engine is None:
                self._open(self._options)
            if weights and not self.refittable:
                self._open(replace(self._options, refittable=True))
            if weights is None and self._is_stripped:
                weights = self._own_weights()
            if weights and self._engine is not None and self._execution is not None:
                refit_engine(self._module, self._engine, self._logger, weights, self._session)
                self._execution.forget_graphs()
            return self._execution

    def _open(self, options: BuildOptions) -> None:
        """Deserialise the stored plan, building it first where needed."""
        builder = PlanBuilder(self.bundle, self.flavour, self.precision, options, self._cache.root)
        check_stored(self._cache, plan_key(builder, self.graph), self._on_mismatch)
        plan = obtain_plan(builder, self.graph, self._cache, self._on_progress, accept_covering=True)
        engine, refused = self._deserialise(plan)
        if engine is None and plan.hit and self._on_mismatch == "rebuild":
            # Its sidecar fits and the library still refuses it: whatever the reason, it is of no use here.
            self.notes.append(f"the stored plan of {self.name} was refused ({refused}) and built anew")
            self._cache.discard(plan)
            plan = obtain_plan(builder, self.graph, self._cache, self._on_progress, accept_covering=True)
            engine, refused = self._deserialise(plan)
        if engine is None:
            raise EngineError(
                f"{self.flavour.name} {self.flavour.version} refused the plan of {self.name} on "
                f"{self._session.gpu.name} ({self._session.gpu.capability}): {refused}"
            )
        self._check_plan(engine)
        self._drop()
        self._engine, self.plan = engine, replace(plan, data=b"")
        config = None
        if self.flavour.is_rtx:
            gpu = self._session.gpu
            digest = hashlib.sha256(plan.data).hexdigest()
            kernels = RuntimeCacheFile(self._cache.root, digest, f"{gpu.name}-cuda{gpu.driver}")
            config = kernels.configure(self._module, engine)
            self._kernels = kernels, config
        contexts = ContextMaker(self._module, engine, config)
        self._execution = Execution(engine, contexts, self.graph, self._session, self._logger)

    def _deserialise(self, plan: Plan) -> tuple[trt.ICudaEngine | None, str]:
        """Return the plan's engine, or None and why there is none."""
        try:
            check_header(plan.data, self.flavour, f"the plan of {self.name}")
        except InputError as error:
            return None, str(error)
        runtime: trt.Runtime = make_with(self._module.Runtime, self._logger)
        if "version_compatible" in plan.options:
            runtime.engine_host_code_allowed = True  # the lean runtime that such a plan brings along
        self._runtime = runtime  # must outlive the engine
        engine: trt.ICudaEngine | None = runtime.deserialize_cuda_engine(plan.data)
        return engine, "" if engine is not None else last_error(self._logger)

    def _check_plan(self, engine: trt.ICudaEngine) -> None:
        """Compare tensors with the manifest, and, where the plan tells its layers, their precision with ours."""
        found = {engine.get_tensor_name(index) for index in range(engine.num_io_tensors)}
        wanted = {spec.name for spec in (*self.inputs, *self.outputs)}
        if found != wanted:
            raise EngineError(f"the plan of {self.name} has tensors {sorted(found)}; {sorted(wanted)} are wanted")
        for spec in (*self.inputs, *self.outputs):
            dtype = np.dtype(self._module.nptype(engine.get_tensor_dtype(spec.name))).name
            if dtype != spec.dtype:
                raise EngineError(f"the plan of {self.name} has {spec.name} as {dtype}; {spec.dtype} is wanted")
        if self.precision == "fp16":
            inspector = engine.create_engine_inspector()
            information = inspector.get_engine_information(self._module.LayerInformationFormat.JSON)
            summary = NetworkSummary.of_plan(information)
            if summary is not None:
                summary.check_fp16(self.name, "plan")

    @property
    def _is_stripped(self) -> bool:
        return self.plan is not None and "strip_weights" in self.plan.options

    def _run(self, network: Any, inputs: dict[str, Array]) -> dict[str, Array]:
        with self._session.lock:  # a refit in another thread may have opened another plan, and dropped this one
            self._open_network()
            assert self._execution is not None
            return self._execution.run(inputs)

    def _import(self, array: Array) -> Array:
        return array if arrays.is_on_gpu(array) else super()._import(array)

    def _export(self, array: Array, library: Any | None, like: Array) -> Array:
        if library is None or arrays.is_on_gpu(like):
            return array
        return super()._export(array, library, like)

    def _take_weight(self, value: Any, shape: tuple[int, ...], name: str) -> Any:
        """Leave a torch tensor on this GPU where it is; TensorRT takes it from there."""
        if not (hasattr(value, "detach") and arrays.is_on_gpu(value)):
            return super()._take_weight(value, shape, name)
        if tuple(value.shape) != shape:
            raise InputError(f"{name} has shape {list(value.shape)}; allowed: {list(shape)}")
        half = value.detach().half()
        if not bool(half.isfinite().all()):
            raise InputError(f"{name} holds NaN, infinity or a value beyond 65504, which FP16 cannot hold")
        return half

    def _own_weights(self) -> dict[str, NumpyArray]:
        return load_file(self.bundle.graph_file(self.graph, "weights")) if self.graph.parameters else {}

    def _drop(self) -> None:
        """Give back the loaded engine; what TensorRT-RTX finished meanwhile is kept on disk."""
        if self._kernels is not None:
            file, config = self._kernels
            note = file.keep(config)
            if note is not None:
                self.notes.append(note)
        if self._execution is not None:
            self._execution.close()
        self._execution = self._engine = self._kernels = None

    def _release(self) -> None:
        if not self._holds_session:
            return
        self._holds_session = False
        with self._session.lock, self._session.current():
            self._drop()
        self._session.release()


@register(_spec(TENSORRT_RTX, rank=20))
class TensorRtRtxEngine(TensorRtEngine):
    """Run a graph's plan with TensorRT-RTX, which finishes kernels on the GPU at the first runs."""

    flavour = TENSORRT_RTX
