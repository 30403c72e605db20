"""Writing an edge package: a folder that is copied to a device and started there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...bundle.bundle import Bundle
from ...bundle.manifest import MANIFEST_NAME, Form, GraphEntry, Manifest
from ...data.errors import InputError
from ...data.files import atomic_folder
from ...engines.plan_cache import PlanCache
from ...engines.tensorrt.flavour import TENSORRT_RTX
from ...engines.tensorrt.options import BuildOptions
from ...engines.tensorrt.plan import compile_plans
from .target import BASE, Target

ROOT = Path(__file__).resolve().parents[2]
"""Where this package's own code lies."""

RUNTIME = ("data", "bundle", "engines", "prepare", "runtime", "cli")
"""What of it the device needs; training, export and evaluation stay behind."""

FOR_REFINEMENT = ("networks",)
"""What refinement needs beside it."""

MARKER = "edge.json"

EDGE_FORMS: tuple[Form, ...] = ("onnx_fp16", "onnx_fp32", "weights")
"""FP32 graphs are small, since the weights are shared; the parity gate needs them."""

OnProgress = Callable[[str, str, float], None]


@dataclass(frozen=True)
class PackedEdge:
    """What was packed.

    Parameters
    ----------
    files
        Size in bytes by part: bundle, plans, runtime.
    engine
        What runs on the device.
    """

    files: dict[str, int]
    engine: str


def pack_edge(
    bundle: Bundle,
    output: Path,
    target: Target,
    *,
    capabilities: tuple[str, ...] = (),
    refinement: bool = False,
    on_progress: OnProgress | None = None,
) -> PackedEdge:
    """Pack a bundle with the runtime.

    Parameters
    ----------
    bundle
        A verified bundle.
    output
        The folder to write; an older package there is replaced once the new one is whole.
    target
        What kind of device it is for.
    capabilities
        Compute capabilities to build TensorRT-RTX plans for here; without them the device builds at its first start.
    refinement
        Whether the PyTorch programs that refinement needs are packed too.
    on_progress
        Called while plans are built, with graph, phase and share done.

    Raises
    ------
    InputError
        When plans are asked for that cannot be built ahead, or `output` cannot be written.
    """
    if capabilities and target.engine != TENSORRT_RTX.name:
        raise InputError(
            f"plans can be built ahead for tensorrt-rtx only, and {target.name} runs {target.engine}; "
            "leave --compute-capability out, and the device builds its own at its first start"
        )
    with atomic_folder(Path(output), is_ours=_is_package) as folder:
        packed = _pack_bundle(bundle, folder / "bundle", refinement)
        _copy_runtime(folder / "oviton", (*RUNTIME, *FOR_REFINEMENT) if refinement else RUNTIME)
        for name in ("start.py", "oviton_edge.py"):
            shutil.copyfile(Path(__file__).parent / "files" / name, folder / name)
        (folder / "start.py").chmod(0o755)
        requirements = [*BASE, *target.requirements, *(["torch==2.13.0"] if refinement else [])]
        (folder / "requirements.txt").write_text("\n".join(sorted(requirements)) + "\n", encoding="utf-8")
        about = {
            "target": target.name,
            "about": target.about,
            "engine": target.engine,
            "precision": target.precision,
            "from_system": target.from_system,
            "bundle": bundle.manifest.name,
            "identity": bundle.identity,
            "refinement": refinement,
        }
        (folder / MARKER).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        (folder / "plans").mkdir()
        if capabilities:
            options, cache = BuildOptions(compute_capabilities=capabilities), PlanCache(folder / "plans")
            compile_plans(packed, TENSORRT_RTX, target.precision, options, cache, on_progress)
            shutil.rmtree(folder / "plans" / ".locks", ignore_errors=True)
        sizes = {part: _size(folder / part) for part in ("bundle", "plans", "oviton")}
    return PackedEdge(sizes, target.engine)


def _pack_bundle(bundle: Bundle, folder: Path, refinement: bool) -> Bundle:
    """Copy what a device needs of a bundle. Its networks keep their identity, so outfits refined elsewhere fit."""
    manifest = bundle.manifest
    graphs = manifest.graphs if refinement else tuple(_without_program(graph) for graph in manifest.graphs)
    programs = manifest.programs if refinement else ()
    forms = [entry.files for entry in graphs] + [entry.files for entry in programs]
    named = {name for files in forms for name in files.values()}
    samples = {name for name in manifest.files if any(name.startswith(f"{s}/") for s in manifest.samples)}
    kept = {name: entry for name, entry in manifest.files.items() if name in named | samples}
    for name in kept:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.path / name, folder / name)
    packed: Manifest = manifest.model_copy(
        update={"graphs": graphs, "programs": programs, "files": kept, "origin": bundle.identity}
    )
    packed = packed.model_copy(update={"digest": packed.compute_digest()})
    (folder / MANIFEST_NAME).write_text(packed.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return Bundle.open(folder)


def _without_program(graph: GraphEntry) -> GraphEntry:
    return graph.model_copy(update={"files": {form: graph.files[form] for form in EDGE_FORMS if form in graph.files}})


def _copy_runtime(folder: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    for name in ("__init__.py", "__main__.py", "py.typed", "LICENSE", "NOTICE"):
        if (ROOT / name).exists():  # an installed copy keeps its licence elsewhere
            shutil.copyfile(ROOT / name, folder / name)


def _is_package(folder: Path) -> bool:
    try:
        return "target" in json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
