"""Making a bundle: every form of every graph, gated against PyTorch on real people, written whole or not at all."""

from __future__ import annotations

import copy
import platform
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.export import Dim

from ..data.classes import CLASS_NAMES
from ..data.files import atomic_folder, sha256
from ..data.optional import require, version_of
from ..data.person_folder import PersonFolder
from ..networks.graphs import (
    AppearancePainter,
    CodesConditioning,
    GraphSpec,
    GraphTensor,
    SurfaceConditioning,
    SurfaceLookup,
    graph_specs,
)
from ..networks.perceptual import PerceptualBackbone
from .bundle import holds_only_a_bundle
from .manifest import (
    MANIFEST_NAME,
    MAX_BATCH,
    SCHEMA_VERSION,
    ExportCost,
    FileEntry,
    GraphEntry,
    Manifest,
    ParityRow,
    ProgramEntry,
    TensorSpec,
)
from .onnx_graph import export_onnx
from .parity import REDUCED_PRECISION, SAME_PRECISION, compare
from .program import load_program, round_weights_to_fp16, save_program, save_weights
from .samples import Arrays, read_samples, sample_requests

if TYPE_CHECKING:
    from ..networks.checkpoint import Networks
    from ..networks.config import NetworkConfig

GATE_SIZES = ((1, 1), (2, 2), (MAX_BATCH, 1), (1, MAX_BATCH))
"""(N, M) of every parity gate: batch sizes 1, 2 and the largest."""

TRACED_SIZES = (2, 3)
"""(N, M) of the traced example: different, and neither 0 nor 1, so that torch.export keeps both dynamic."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""


def export_bundle(
    networks: Networks,
    output: Path,
    samples: Sequence[Path],
    *,
    name: str | None = None,
    on_progress: Progress | None = None,
) -> Manifest:
    """Export networks as a bundle.

    Parameters
    ----------
    networks
        The networks; they are not changed.
    output
        The folder to write; an older bundle there is replaced once the new one is whole.
    samples
        Person folders that the gates run on; copies go into the bundle.
    name
        The bundle's name; by default the preset's.
    on_progress
        Called before each step.

    Returns
    -------
    Manifest
        What was written.

    Raises
    ------
    InputError
        When samples are unusable or `output` cannot be written.
    GateError
        When two forms disagree; nothing is written then.
    """
    started = time.perf_counter()
    output = Path(output)
    people = read_samples(samples)
    perceptual = PerceptualBackbone.pretrained()
    networks = copy.deepcopy(networks).eval()
    round_weights_to_fp16(networks)
    round_weights_to_fp16(perceptual)
    config = networks.config
    specs = graph_specs(config)
    report = _Reporter(on_progress, steps=len(specs) + 2 + len(GATE_SIZES))
    with atomic_folder(output, is_ours=holds_only_a_bundle) as folder:
        graphs: list[GraphEntry] = []
        modules: dict[str, nn.Module] = {}
        traced = sample_requests(people, config.height, config.width, *TRACED_SIZES)
        for spec in specs:
            report(f"exporting {spec.name}")
            modules[spec.name] = module = _graph_module(networks, spec)
            graphs.append(_export_graph(module, spec, traced, folder))
        report("exporting what refinement compares with")
        programs = _export_programs(networks, perceptual, traced, folder)
        parity: list[ParityRow] = []
        for requests, garments in GATE_SIZES:
            report(f"gating N={requests} M={garments}")
            inputs = sample_requests(people, config.height, config.width, requests, garments)
            parity += _gate(graphs, modules, inputs, folder, requests, garments)
        report("writing the manifest")
        sample_names = _write_samples(people, folder)
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=name or config.preset,
            preset=config.preset,
            height=config.height,
            width=config.width,
            conditioning=config.appearance.conditioning,
            classes=CLASS_NAMES,
            max_requests=MAX_BATCH,
            max_garments=MAX_BATCH,
            trained=networks.training_notes,
            config=config.to_json(),
            graphs=tuple(graphs),
            programs=programs,
            files={
                str(file.relative_to(folder)): FileEntry(size=file.stat().st_size, sha256=sha256(file))
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            },
            samples=sample_names,
            versions=_versions(),
            parity=tuple(parity),
            cost=ExportCost(
                seconds=round(time.perf_counter() - started, 1),
                peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            ),
        )
        manifest = manifest.model_copy(update={"digest": manifest.compute_digest()})
        (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


class _Reporter:
    def __init__(self, on_progress: Progress | None, steps: int) -> None:
        self.on_progress, self.steps, self.done = on_progress, steps, 0

    def __call__(self, what: str) -> None:
        if self.on_progress is not None:
            self.on_progress(what, self.done, self.steps)
        self.done += 1


def _graph_module(networks: Networks, spec: GraphSpec) -> nn.Module:
    with torch.device("meta"):  # its weights are about to be replaced
        module = spec.build(networks.config)
    if spec.name in dict(networks.named_children()):
        setattr(module, spec.name, getattr(networks, spec.name))
    return module


def _export_graph(module: nn.Module, spec: GraphSpec, requests: Arrays, folder: Path) -> GraphEntry:
    inputs = tuple(_example(tensor, requests) for tensor in spec.inputs)
    dynamic = {tensor.name: _dynamic_axes(tensor) for tensor in spec.inputs}
    weights = folder / f"{spec.name}.safetensors"
    parameters = save_weights(module, weights)
    export_onnx(module, spec, inputs, dynamic, folder / f"{spec.name}.onnx", weights)
    # A copy, because saving empties the program's parameters, which it shares with its module.
    program = torch.export.export(copy.deepcopy(module), inputs, dynamic_shapes=dynamic)
    save_program(program, folder / f"{spec.name}.pt2")
    files: dict[Any, str] = {"onnx_fp32": f"{spec.name}.onnx", "pt2": f"{spec.name}.pt2"}
    if parameters:
        half = copy.deepcopy(module).half()
        export_onnx(half, spec, inputs, dynamic, folder / f"{spec.name}.fp16.onnx", weights)
        files |= {"onnx_fp16": f"{spec.name}.fp16.onnx", "weights": weights.name}
    else:  # nothing in it has a precision
        files["onnx_fp16"] = files["onnx_fp32"]
    return GraphEntry(
        name=spec.name,
        inputs=tuple(_tensor_spec(tensor) for tensor in spec.inputs),
        outputs=tuple(_tensor_spec(tensor) for tensor in spec.outputs),
        files=files,
        float_output=spec.float_output,
        parameters=parameters,
    )


def _export_programs(
    networks: Networks, perceptual: PerceptualBackbone, traced: Arrays, folder: Path
) -> tuple[ProgramEntry, ...]:
    """Export what refinement runs: what it compares with, and the appearance generator in two halves.

    The first half, conditioning, has no weights and is computed once a request; the second is what is optimised, and
    shares the weights of the whole.
    """
    config = networks.config
    image = torch.rand(2, 3, config.height, config.width) * 2 - 1
    labels = torch.zeros(2, config.height, config.width, dtype=torch.uint8)
    batch = {0: _dimension("N")}
    # Whatever the conditioning, refinement may aim at the lookup; its tensors are those of the surface generator.
    surface = _generator_inputs(config.with_conditioning("surface"))
    looked_up = [tensor for tensor in surface if tensor.name != "appearance_codes"]
    conditioned = _generator_inputs(config)
    conditioning = SurfaceConditioning() if config.appearance.conditioning == "surface" else CodesConditioning()
    codes = np.zeros((TRACED_SIZES[0], len(CLASS_NAMES), config.appearance_code), np.float32)
    named = {**traced, "labels": traced["person_labels"], "appearance_codes": codes}
    with torch.no_grad():
        seen = conditioning(*(_example(tensor, named) for tensor in conditioned))
    with torch.device("meta"):  # its weights are about to be replaced
        painter = AppearancePainter(config)
    painter.appearance_generator = networks.appearance_generator
    entries = []
    for name, module, inputs, axes in (
        ("discriminator", networks.discriminator, (image, labels), {"image": batch, "labels": batch}),
        ("perceptual", perceptual, (image,), {"image": batch}),
        ("surface_lookup", SurfaceLookup(), *_traced_inputs(looked_up, named)),
        ("appearance_conditioning", conditioning, *_traced_inputs(conditioned, named)),
        ("appearance_painter", painter, (seen,), {"conditioning": batch}),
    ):
        shared = folder / "appearance_generator.safetensors"
        weights = shared if name == "appearance_painter" else folder / f"{name}.safetensors"
        files: dict[Any, str] = {"pt2": f"{name}.pt2"}
        if weights == shared or save_weights(module, weights):
            files["weights"] = weights.name
        program = torch.export.export(copy.deepcopy(module).eval(), inputs, dynamic_shapes=axes)
        save_program(program, folder / f"{name}.pt2")
        entries.append(ProgramEntry(name=name, files=files))
    return tuple(entries)


def _generator_inputs(config: NetworkConfig) -> tuple[GraphTensor, ...]:
    return next(spec for spec in graph_specs(config) if spec.name == "appearance_generator").inputs


def _traced_inputs(
    tensors: Sequence[GraphTensor], named: Arrays
) -> tuple[tuple[torch.Tensor, ...], dict[str, dict[int, Any]]]:
    """Return example tensors, and which of their axes are dynamic."""
    return tuple(_example(tensor, named) for tensor in tensors), {t.name: _dynamic_axes(t) for t in tensors}


def _gate(
    graphs: list[GraphEntry],
    modules: dict[str, nn.Module],
    inputs: Arrays,
    folder: Path,
    requests: int,
    garments: int,
) -> list[ParityRow]:
    """Run one batch through every form of every graph; each graph is fed what PyTorch's own graphs produced."""
    ort = require("onnxruntime", purpose="the parity gate")
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors; it warns that it cannot fold FP16 constants on a CPU
    values = dict(inputs)
    rows = []
    for graph in graphs:
        feed = {tensor.name: values[tensor.name] for tensor in graph.inputs}
        tensors = [torch.from_numpy(value) for value in feed.values()]
        with torch.inference_mode():
            reference = _by_name(graph, modules[graph.name](*tensors))
            saved = load_program(
                folder / graph.files["pt2"], folder / graph.files["weights"] if graph.parameters else None
            )
            program = _by_name(graph, saved(*tensors))
        onnx = {}
        for form in ("onnx_fp32", "onnx_fp16"):
            session = ort.InferenceSession(folder / graph.files[form], options, providers=["CPUExecutionProvider"])
            names = [tensor.name for tensor in graph.outputs]
            onnx[form] = dict(zip(names, session.run(names, feed), strict=True))
            del session
        for form, found, reference_form, expected, limits in (
            ("pt2", program, "pytorch", reference, SAME_PRECISION),
            ("onnx_fp32", onnx["onnx_fp32"], "pytorch", reference, SAME_PRECISION),
            ("onnx_fp16", onnx["onnx_fp16"], "onnx_fp32", onnx["onnx_fp32"], REDUCED_PRECISION),
        ):
            rows += compare(
                graph.name,
                graph.outputs,
                found,
                expected,
                form=form,
                reference_form=reference_form,
                requests=requests,
                garments=garments,
                limits=limits,
            )
        values.update(reference)
    return rows


def _by_name(graph: GraphEntry, outputs: Any) -> dict[str, np.ndarray[Any, Any]]:
    listed = outputs if isinstance(outputs, tuple | list) else (outputs,)
    return {tensor.name: value.numpy() for tensor, value in zip(graph.outputs, listed, strict=False)}


def _example(tensor: GraphTensor, requests: Arrays) -> torch.Tensor:
    if tensor.name in requests:
        return torch.from_numpy(requests[tensor.name])
    # Made by an earlier graph: for tracing only its shape and dtype count.
    shape = [TRACED_SIZES[0] if isinstance(size, str) else size for size in tensor.shape]
    return torch.zeros(shape, dtype=getattr(torch, tensor.dtype))


def _dynamic_axes(tensor: GraphTensor) -> dict[int, Any]:
    return {axis: _dimension(size) for axis, size in enumerate(tensor.shape) if isinstance(size, str)}


def _dimension(name: str) -> Any:
    return Dim(name, min=1, max=MAX_BATCH)


def _tensor_spec(tensor: GraphTensor) -> TensorSpec:
    return TensorSpec(name=tensor.name, dtype=tensor.dtype, shape=tensor.shape)


def _write_samples(people: list[PersonFolder], folder: Path) -> tuple[str, ...]:
    names = []
    for index, person in enumerate(people):
        target = folder / "samples" / f"person_{index}"
        target.mkdir(parents=True)
        assert person.densepose is not None
        for file, array in (("image", person.image), ("labels", person.labels), ("densepose", person.densepose)):
            Image.fromarray(array).save(target / f"{file}.png", optimize=True)
        names.append(str(target.relative_to(folder)))
    return tuple(names)


def _versions() -> dict[str, str]:
    libraries = ("oviton", "torch", "onnx", "onnxscript", "onnxruntime", "numpy")
    return {
        "python": platform.python_version(),
        **{name: version for name in libraries if (version := version_of(name)) is not None},
    }
