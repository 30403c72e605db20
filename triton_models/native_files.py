"""What the models of a native repository are made of: ONNX graphs, or TensorRT plans for the GPU here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ..bundle.bundle import Bundle
from ..bundle.manifest import Form
from ..data.errors import InputError
from ..engines.loading import Progress
from ..engines.plan_cache import PlanCache
from .codes import CODES_CHECK, CODES_MERGE, GARMENT_CHECK
from .input_check import NAME as INPUT_CHECK
from .options import RepositoryOptions
from .small_graphs import build_check_graph, build_codes_check, build_codes_merge, build_garment_check

SMALL = {
    INPUT_CHECK: (build_check_graph, "Which inputs hold values out of range."),
    GARMENT_CHECK: (build_garment_check, "A garment photograph as the encoders take it."),
    CODES_CHECK: (build_codes_check, "A person as the encoders take one, and where each class's codes come from."),
    CODES_MERGE: (build_codes_merge, "Each class's codes from the person or from a garment."),
}
"""What no graph of a bundle does: written from the manifest alone, and on a CPU even beside a GPU."""


@dataclass(frozen=True)
class Used:
    """What the feed-forward models run on, and what a user should know of it."""

    engine: str
    version: str
    device: str
    precision: str
    notes: tuple[str, ...] = ()


def choose_native(options: RepositoryOptions) -> Used:
    """Return what a native repository runs on.

    Raises
    ------
    InputError
        When engine, device and precision do not go together, or TensorRT is missing.
    """
    device = options.device if options.device != "auto" else ("cuda" if options.engine == "tensorrt" else "cpu")
    if options.engine == "tensorrt" and device != "cuda":
        raise InputError("engine tensorrt needs a GPU; leave --device away, or choose engine onnxruntime")
    allowed = ("fp16", "fp32")
    precision = options.precision
    if precision == "auto":
        precision = "fp16" if device == "cuda" else "fp32"
    if precision not in allowed:
        raise InputError(f"engine {options.engine} has no precision {precision!r}; allowed: {', '.join(allowed)}")
    if options.engine != "tensorrt":
        return Used(options.engine, "", device, precision)
    from ..engines.tensorrt.flavour import FLAVOURS

    flavour = FLAVOURS["tensorrt"]
    flavour.check_installed()
    version = flavour.version or "of an unknown version"
    note = f"these plans run on this kind of GPU, in a Triton whose TensorRT is {version} too"
    return Used(options.engine, version, device, precision, (note,))


@dataclass(frozen=True)
class NativeFiles:
    """Writes the file of each model.

    Parameters
    ----------
    bundle
        Whose graphs.
    engine, precision
        Of the graphs.
    say
        Called with what is being done.
    """

    bundle: Bundle
    engine: str
    precision: str
    say: Progress

    def backend(self, model: str) -> str:
        """Return Triton's backend of a model."""
        return "onnxruntime" if model in SMALL else self.engine

    def comment(self, model: str) -> str:
        """Say what a model is."""
        return SMALL[model][1] if model in SMALL else f"Graph {model} of bundle {self.bundle.manifest.name}."

    def write(self, model: str, version: Path) -> None:
        """Write a model's file into its version folder."""
        if model in SMALL:
            (version / "model.onnx").write_bytes(SMALL[model][0](self.bundle.manifest).SerializeToString())
        elif self.engine == "tensorrt":
            self._write_plan(model, version)
        else:
            self._copy_graph(model, version)

    def _write_plan(self, name: str, version: Path) -> None:
        """Build a graph's TensorRT plan for the GPU here, or take it from the cache."""
        from ..engines.tensorrt.builder import PlanBuilder
        from ..engines.tensorrt.flavour import FLAVOURS
        from ..engines.tensorrt.options import BuildOptions
        from ..engines.tensorrt.plan import obtain_plan

        cache, graph = PlanCache(), self.bundle.manifest.graph(name)
        builder = PlanBuilder(self.bundle, FLAVOURS["tensorrt"], self.precision, BuildOptions(), cache.root)

        def tell(graph: str, what: str, share: float) -> None:
            self.say(f"building {graph}: {what.lower()} ({share:.0%})")

        (version / "model.plan").write_bytes(obtain_plan(builder, graph, cache, tell).data)

    def _copy_graph(self, name: str, version: Path) -> None:
        """Copy a graph with the weights that it refers to by file name."""
        graph = self.bundle.manifest.graph(name)
        wanted: Form = "onnx_fp16" if self.precision == "fp16" else "onnx_fp32"
        form: Form = wanted if wanted in graph.files else "onnx_fp32"  # a graph without weights has one form
        shutil.copyfile(self.bundle.graph_file(graph, form), version / "model.onnx")
        if "weights" in graph.files:
            weights = self.bundle.graph_file(graph, "weights")
            shutil.copyfile(weights, version / weights.name)
