"""Building a plan from a graph's ONNX form: strongly typed, one profile, checked, with progress, cancellable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle.bundle import Bundle
from ...bundle.manifest import Form, GraphEntry, TensorSpec
from ...data.errors import EngineError, InputError
from ..plan_cache import Built
from . import timing_cache
from .flavour import Flavour
from .log import last_error, make_logger, make_with
from .network import NetworkSummary
from .options import BuildOptions
from .progress import BuildProgress, OnProgress, make_monitor

if TYPE_CHECKING:
    import tensorrt as trt

_ONE_BUILD = threading.Lock()
"""Builds time kernels, so two at once in one process would disturb each other."""


class PlanBuilder:
    """Builds plans of a bundle's graphs.

    Parameters
    ----------
    bundle
        A verified bundle.
    flavour
        The library to build with.
    precision
        ``"fp16"`` or ``"fp32"``: which ONNX form is built; its types are binding.
    options
        How to build.
    cache_folder
        Where a timing cache is kept; None to keep none.

    Raises
    ------
    InputError
        When the library is missing, or has not the options asked for.
    """

    def __init__(
        self,
        bundle: Bundle,
        flavour: Flavour,
        precision: str,
        options: BuildOptions,
        cache_folder: Path | None = None,
    ) -> None:
        self.bundle, self.flavour, self.precision, self.options = bundle, flavour, precision, options
        flavour.check_installed()
        flavour.check(options)
        self.device, self.capability = flavour.target(options)
        self._cache_folder = cache_folder
        _check_optimum(bundle, options)

    def build(self, graph: GraphEntry, on_progress: OnProgress | None = None) -> Built:
        """Build one graph's plan.

        Parameters
        ----------
        graph
            The graph.
        on_progress
            Called with what is under way and the share done; what it raises cancels the build and is raised here.

        Returns
        -------
        Built
            The plan, and what `NetworkSummary` counted in the parsed network.

        Raises
        ------
        InputError
            When the ONNX file cannot be parsed; the message names the node.
        GateError
            When FP16 was asked for and a convolution is not in FP16.
        EngineError
            When the library fails; the message is its own.
        KeyboardInterrupt
            When the user pressed Ctrl-C; the build has stopped by then.
        """
        progress = BuildProgress(on_progress)
        # In a thread of its own, so that Ctrl-C reaches this one: the library returns to Python only at its steps.
        with _ONE_BUILD, ThreadPoolExecutor(1, thread_name_prefix="plan") as pool:
            building = pool.submit(self._build, graph, progress)
            try:
                built = building.result()
            except BaseException:
                progress.cancel()
                building.exception()
                if progress.error is not None:
                    raise progress.error from None
                raise
        return built

    def _build(self, graph: GraphEntry, progress: BuildProgress) -> Built:
        module = self.flavour.load()
        logger = make_logger(module)
        builder: trt.Builder = make_with(module.Builder, logger)
        network = builder.create_network(1 << int(module.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        form: Form = "onnx_fp16" if self.precision == "fp16" else "onnx_fp32"
        path = self.bundle.graph_file(graph, form)
        parse(module, network, logger, path)
        summary = NetworkSummary.of_network(module, network)
        if self.precision == "fp16":
            summary.check_fp16(graph.name, "parsed network")
        config = builder.create_builder_config()
        profile = self._profile(module, builder, graph)
        config.add_optimization_profile(profile)
        self._set_options(module, network, config, graph)
        config.progress_monitor = make_monitor(module, progress)
        times = None
        if self._cache_folder is not None and not self.flavour.is_rtx:  # which measures no kernels
            version = self.flavour.version or "unknown"
            times = timing_cache.TimingCacheFile(self._cache_folder, self.flavour.name, version, self.device)
            timing_cache.attach(config, times)
        plan: Any = builder.build_serialized_network(network, config)  # None, says the library, when it fails
        if plan is None:
            reason = last_error(logger)
            raise EngineError(f"{graph.name}: {self.flavour.name} {self.flavour.version} cannot build it: {reason}")
        if times is not None:
            timing_cache.keep(config, times)
        return Built(bytes(memoryview(plan)), {"network": summary.to_json(), "tensors": _tensors(network, profile)})

    def _profile(self, module: Any, builder: trt.Builder, graph: GraphEntry) -> trt.IOptimizationProfile:
        """Return the profile: from 1 to the bundle's largest, its optimum as asked for."""
        manifest, profile = self.bundle.manifest, builder.create_optimization_profile()
        optimum = {"N": self.options.opt_requests, "M": self.options.opt_garments}
        largest = {"N": manifest.max_requests, "M": manifest.max_garments}
        for spec in graph.inputs:
            if any(isinstance(size, str) for size in spec.shape):
                shapes = (sized(spec, {"N": 1, "M": 1}), sized(spec, optimum), sized(spec, largest))
                profile.set_shape(spec.name, *(module.Dims(shape) for shape in shapes))
        return profile

    def _set_options(
        self, module: Any, network: trt.INetworkDefinition, config: trt.IBuilderConfig, graph: GraphEntry
    ) -> None:
        options, flags = self.options, module.BuilderFlag
        config.profiling_verbosity = module.ProfilingVerbosity.DETAILED  # the inspector then tells each layer's types
        config.clear_flag(flags.TF32)
        if options.workspace_mb is not None:
            config.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
        self.flavour.configure(module, config, options, self.capability)
        if not graph.parameters or not (options.refittable or options.strip_weights):
            return
        # Only the bundle's own parameters: other constants stay free to be folded into the layers beside them.
        mark_refittable(network, graph)
        config.set_flag(flags.REFIT_INDIVIDUAL)
        if options.strip_weights:
            config.set_flag(flags.STRIP_PLAN)


def parse(module: Any, network: trt.INetworkDefinition, logger: trt.ILogger, path: Path) -> None:
    """Read an ONNX file, with its external weights, into a network.

    Raises
    ------
    InputError
        When an operator or file cannot be read; the message names the node.
    """
    parser: trt.OnnxParser = module.OnnxParser(network, logger)
    read: Any = parser.parse_from_file(str(path))
    if read and network.num_outputs:
        return
    if read:  # an empty file is an empty model
        raise InputError(f"{path.name} cannot be built: it holds no graph; fetch or export the bundle again")
    messages = []
    for index in range(parser.num_errors):
        error = parser.get_error(index)
        node = error.node_name()
        where = f"node {node} ({error.node_operator()}): " if node else ""
        messages.append(f"{where}{' '.join(error.desc().split())}")
    reason = messages[0] if messages else last_error(logger)
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    raise InputError(f"{path.name} cannot be built: {reason}{more}; export the bundle with this version of oviton")


def mark_refittable(network: trt.INetworkDefinition, graph: GraphEntry) -> None:
    """Mark a graph's parameters, which the ONNX form holds under their PyTorch names.

    Raises
    ------
    EngineError
        Naming a parameter that the parsed network lost.
    """
    lost = [name for name in graph.parameters if not network.mark_weights_refittable(name)]
    if lost:
        raise EngineError(f"{graph.name}: the parsed network lost the weights {', '.join(lost)}; refit needs them")


def sized(spec: TensorSpec, sizes: dict[str, int]) -> tuple[int, ...]:
    """Return a tensor's shape with N and M filled in."""
    return tuple(sizes[size] if isinstance(size, str) else size for size in spec.shape)


def _tensors(network: trt.INetworkDefinition, profile: trt.IOptimizationProfile) -> dict[str, dict[str, Any]]:
    """Return what the network takes and gives, with the profile's smallest, best and largest shape of each input."""
    described: dict[str, dict[str, Any]] = {}
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shapes = [_listed(shape) for shape in profile.get_shape(tensor.name)]
        described[tensor.name] = {"dtype": tensor.dtype.name, "shape": _listed(tensor.shape), "profile": shapes}
    for index in range(network.num_outputs):
        tensor = network.get_output(index)
        described[tensor.name] = {"dtype": tensor.dtype.name, "shape": _listed(tensor.shape)}
    return described


def _listed(dims: trt.Dims) -> list[int]:
    return [dims[index] for index in range(len(dims))]


def _check_optimum(bundle: Bundle, options: BuildOptions) -> None:
    manifest = bundle.manifest
    for name, optimum, largest in (
        ("N", options.opt_requests, manifest.max_requests),
        ("M", options.opt_garments, manifest.max_garments),
    ):
        if optimum > largest:
            raise InputError(f"the profile's optimum of {name} is {optimum}; this bundle allows 1 to {largest}")
