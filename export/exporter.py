"""Making a bundle: every form of every graph, gated against PyTorch on real people, written whole or not at all."""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from torch import nn

from ..bundle.bundle import holds_only_a_bundle
from ..bundle.families import Arrays
from ..bundle.manifest import (
    MANIFEST_NAME,
    MAX_BATCH,
    SCHEMA_VERSION,
    ExportCost,
    FileEntry,
    GraphEntry,
    Manifest,
    ParityRow,
    TensorSpec,
)
from ..bundle.samples import read_samples, sample_requests
from ..data.classes import CLASS_NAMES
from ..data.files import atomic_folder, sha256
from ..data.memory import peak_resident_mb
from ..data.optional import version_of
from ..data.person_folder import PersonFolder
from ..networks.graphs import GraphSpec, GraphTensor
from .calibration import measure_ranges
from .gate import Size, gate_graph
from .onnx_graph import export_onnx
from .programs import save_program, save_weights
from .refinement_programs import gate_programs
from .sources import source_of
from .tracing import TRACED_SIZES, dynamic_axes, example, trace

if TYPE_CHECKING:
    from ..networks.checkpoint import Networks
    from ..networks.person_parser import PersonParser

GATE_SIZES = ((1, 1), (2, 2), (MAX_BATCH, 1), (1, MAX_BATCH))
"""(N, M) of every parity gate: batch sizes 1, 2 and the largest."""

CALIBRATION_SIZE = (MAX_BATCH, 1)
"""(N, M), one of the gate's, whose tensors calibration takes: as many different people as there are."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""


def export_bundle(
    networks: Networks | PersonParser,
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
    source = source_of(networks)
    size = (source.height, source.width)
    report = _Reporter(on_progress, steps=2 * len(source.graphs) + 3)
    with atomic_folder(output, is_ours=holds_only_a_bundle) as folder:
        graphs: list[GraphEntry] = []
        modules = {spec.name: module for spec, module in source.graphs}
        traced = sample_requests(people, *size, *TRACED_SIZES)
        for spec, module in source.graphs:
            report(f"exporting {spec.name}")
            graphs.append(_export_graph(module, spec, traced, folder))
        report("exporting what refinement compares with")
        programs, compared = source.programs(traced, folder)
        gated = dict.fromkeys((n, min(m, source.garments)) for n, m in GATE_SIZES)
        batches = {each: dict(sample_requests(people, *size, *each)) for each in gated}
        rows: dict[Size, list[ParityRow]] = {size: [] for size in batches}
        for graph in graphs:
            report(f"gating {graph.name}")
            _extend(rows, gate_graph(graph, modules[graph.name], batches, folder))
        report("gating what refinement compares with")
        _extend(rows, gate_programs(programs, compared, batches, folder))
        graphs = [
            _calibrated(graph, batches[CALIBRATION_SIZE], folder) if graph.name in source.calibrated else graph
            for graph in graphs
        ]
        report("writing the manifest")
        sample_names = _write_samples(people, folder)
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=name or source.preset,
            family=source.family.name,
            preset=source.preset,
            height=source.height,
            width=source.width,
            conditioning=source.conditioning,
            classes=CLASS_NAMES,
            max_requests=MAX_BATCH,
            max_garments=source.garments,
            trained=dict(source.trained),
            config=source.config,
            graphs=tuple(graphs),
            programs=programs,
            files={
                str(file.relative_to(folder)): FileEntry(size=file.stat().st_size, sha256=sha256(file))
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            },
            samples=sample_names,
            versions=_versions(),
            parity=tuple(row for found in rows.values() for row in found),
            cost=ExportCost(
                seconds=round(time.perf_counter() - started, 1),
                peak_memory_mb=round(peak_resident_mb()),
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


def _export_graph(module: nn.Module, spec: GraphSpec, requests: Arrays, folder: Path) -> GraphEntry:
    inputs = tuple(example(tensor, requests) for tensor in spec.inputs)
    dynamic = {tensor.name: dynamic_axes(tensor) for tensor in spec.inputs}
    weights = folder / f"{spec.name}.safetensors"
    parameters = save_weights(module, weights)
    program = trace(module, inputs, dynamic)
    export_onnx(program, spec, dynamic, folder / f"{spec.name}.onnx", weights)
    save_program(program, folder / f"{spec.name}.pt2")  # last, because it empties the program
    files: dict[Any, str] = {"onnx_fp32": f"{spec.name}.onnx", "pt2": f"{spec.name}.pt2"}
    if parameters:
        half = trace(copy.deepcopy(module).half(), inputs, dynamic)
        export_onnx(half, spec, dynamic, folder / f"{spec.name}.fp16.onnx", weights)
        files |= {"onnx_fp16": f"{spec.name}.fp16.onnx", "weights": weights.name}
    else:  # nothing in it has a precision
        files["onnx_fp16"] = files["onnx_fp32"]
    return GraphEntry(
        name=spec.name,
        inputs=tuple(_tensor_spec(tensor) for tensor in spec.inputs),
        outputs=tuple(_tensor_spec(tensor) for tensor in spec.outputs),
        files=files,
        float_output=spec.float_output,
        precise=spec.precise,
        parameters=parameters,
    )


def _calibrated(graph: GraphEntry, values: Arrays, folder: Path) -> GraphEntry:
    return graph.model_copy(update={"activation_ranges": measure_ranges(folder / graph.files["onnx_fp32"], values)})


def _extend(rows: dict[Size, list[ParityRow]], more: dict[Size, list[ParityRow]]) -> None:
    for size, found in more.items():
        rows[size] += found


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
