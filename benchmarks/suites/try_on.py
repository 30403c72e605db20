"""The whole try-on: every engine against PyTorch eager FP32, bundles against each other, and from files to a file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from ...bundle.bundle import Bundle
from ...data.classes import CLASS_NAMES
from ...data.images import write_image
from ...data.optional import install_command
from ...data.person_folder import read_person_folder
from ...engines.registry import Availability
from ...evaluation.intervals import ratio_of_medians
from ...runtime.person import Garment, Person, open_people
from ...runtime.try_on import TryOn
from ..bench import Bench
from ..timing import Contender, Samples

GARMENTS = 2
EAGER = "torch (cpu) fp32"
AROUND = ("decode", "fit", "compositor", "restore", "encode")
"""Stages around the networks."""

PHOTOGRAPH_HEIGHT = 3072
"""Pixels; what phones take. The sample people are enlarged to it."""


def run(bench: Bench) -> None:
    """Measure, and set the headlines `try_on_vs_eager_fp32` and `pre_post_share`."""
    bundle = bench.bundles[0]
    _engines(bench, bundle)
    _files(bench, bundle)
    if len(bench.bundles) > 1:
        _bundles(bench)


def label(found: Availability, precision: str) -> str:
    """Return what an engine at a precision is called."""
    return f"{found.candidate.label} {precision}"


def default_label(tryon: TryOn) -> str:
    """Return what the engine of a loaded bundle is called."""
    return label(tryon.engines.chosen, tryon.engines.precision)


def loaded_engines(bench: Bench, bundle: Bundle) -> dict[str, TryOn]:
    """Return the bundle on every engine and precision of this machine. FP16 on a CPU is for checking, not for speed."""
    found: dict[str, TryOn] = {}
    for each in bench.available:
        if bench.options.quick and not each.candidate.auto:
            continue  # engines that compile for minutes
        for precision in each.precisions:
            if precision == "fp16" and each.candidate.device == "cpu":
                continue
            tryon = bench.load(bundle, each.candidate.engine, precision)
            if tryon is not None:  # asked for by name, torch takes a GPU where there is one
                found[default_label(tryon)] = tryon
    return found


def whole(tryon: TryOn, person: Person, garments: list[Garment]) -> Callable[[], dict[str, float]]:
    """Return a try-on from arrays to arrays that returns its stages."""
    return lambda: tryon(person, garments).report.stages_ms


def _engines(bench: Bench, bundle: Bundle) -> None:
    person, garments = bench.outfit(bundle, GARMENTS)
    engines = loaded_engines(bench, bundle)
    default = default_label(bench.default(bundle))
    contenders = [Contender(name, whole(tryon, person, garments)) for name, tryon in engines.items()]
    found = bench.turns("engines", contenders)
    reference = found.get(EAGER)
    for name, samples in found.items():
        _keep(bench, bundle, engines[name], samples, "engines", None if name == EAGER else reference)
    if reference is None:
        bench.skipped["try_on_vs_eager_fp32"] = f"PyTorch is not installed; run: {install_command('torch', 'refine')}"
    else:
        bench.headline["try_on_vs_eager_fp32"] = reference.over(found[default])


def _files(bench: Bench, bundle: Bundle) -> None:
    """Measure what a command does for each request: decode photographs, dress, encode the picture."""
    person, garments = bench.outfit(bundle, GARMENTS)
    worn = [(",".join(CLASS_NAMES[c] for c in g.classes), Path(g.name)) for g in garments]
    around, whole = _file_to_file(bench, bundle, Path(person.name), worn, "files", "from files to a file")
    bench.headline["pre_post_share"] = ratio_of_medians(around, whole)
    folders = {Path(person.name), *(garment for _, garment in worn)}  # one may lend two garments
    megapixels = PHOTOGRAPH_HEIGHT**2 * person.image.shape[1] / person.image.shape[0] / 1e6
    for group, height, variant in (
        ("jpeg", person.image.shape[0], "from JPEG photographs of that size"),
        ("photographs", PHOTOGRAPH_HEIGHT, f"from photographs of {megapixels:.1f} Mpx"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            taken = {path: _photographed(path, Path(folder) / path.name, height) for path in folders}
            garment_folders = [(wear, taken[garment]) for wear, garment in worn]
            _file_to_file(bench, bundle, taken[Path(person.name)], garment_folders, group, variant)


def _file_to_file(
    bench: Bench, bundle: Bundle, person: Path, worn: list[tuple[str, Path]], group: str, variant: str
) -> tuple[list[float], list[float]]:
    """Add a row; return how long each round took around the networks, and in all, in ms."""
    tryon = bench.default(bundle)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "look.png"

        def run() -> dict[str, float]:
            target.unlink(missing_ok=True)  # some file systems wait for the disk when a file is replaced
            started = time.perf_counter()
            subject, garments = open_people(person, worn)
            decoded = time.perf_counter()
            look = tryon(subject, garments)
            dressed = time.perf_counter()
            write_image(target, look.image)
            ended = time.perf_counter()
            return {
                "decode": (decoded - started) * 1000,
                **look.report.stages_ms,
                "encode": (ended - dressed) * 1000,
            }

        samples = bench.turns(group, [Contender(group, run)])[group]
    _keep(bench, bundle, tryon, samples, group, variant=variant)
    around = [sum(stages[name] for name in AROUND) for stages in samples.stages]
    return around, [sum(stages.values()) for stages in samples.stages]


def _photographed(person: Path, folder: Path, height: int) -> Path:
    """Write a sample person, whose picture is PNG, as JPEG of a height with PNG maps, and return the folder."""
    folder.mkdir()
    read = read_person_folder(person)
    size = (round(read.labels.shape[1] * height / read.labels.shape[0]), height)
    Image.fromarray(read.image).resize(size, Image.Resampling.BICUBIC).save(folder / "image.jpg", quality=92)
    maps = {"labels.png": read.labels, "densepose.png": read.densepose}
    for name, array in maps.items():
        if array is not None:
            Image.fromarray(array).resize(size, Image.Resampling.NEAREST).save(folder / name)
    return folder


def _bundles(bench: Bench) -> None:
    engines = {bundle.identity: bench.default(bundle) for bundle in bench.bundles}
    contenders = [
        Contender(bundle.identity, whole(engines[bundle.identity], *bench.outfit(bundle, GARMENTS)))
        for bundle in bench.bundles
    ]
    found = bench.turns("bundles", contenders)
    first = bench.bundles[0]
    for bundle in bench.bundles:
        reference = None if bundle is first else found[first.identity]
        _keep(bench, bundle, engines[bundle.identity], found[bundle.identity], "bundles", reference)


def _keep(
    bench: Bench,
    bundle: Bundle,
    tryon: TryOn,
    samples: Samples,
    group: str,
    over: Samples | None = None,
    variant: str = "",
) -> None:
    fields = {"group": group, "garments": GARMENTS, "variant": variant}
    bench.keep(bundle, samples, on=tryon, over=over, suite="try_on", what="try_on", **fields)
