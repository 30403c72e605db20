"""Whether a photograph is enough: how well people are seen in it, how good the looks are, and how long that takes.

``make accept-photograph`` prints every target with its measured value. What takes long is read from result files, which
name their commit and bundle: ``--accuracy PHOTOS CASES TRIPLETS``, ``--looks TRIPLETS`` and ``--speed`` write them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from ...bundle.bundle import SHIPPED_BUNDLES, Bundle
from ...bundle.families import PREPARE
from ...data.images import read_image
from ...data.memory import peak_resident_mb
from ...evaluation.evaluator import Evaluator
from ...evaluation.methods import FEED_FORWARD, PREPARED
from ...evaluation.parser_scores import Scores, score_folders, score_street
from ...evaluation.triplets import TripletFolder
from ...prepare.preparer import Preparer
from ...runtime.person import open_people
from ...runtime.try_on import TryOn
from ..machine import write
from .targets import ROOT, Target, at_least, at_most, judge, read_result

ACCURACY, LOOKS, SPEED = "photograph-accuracy", "photograph-looks", "photograph-speed"

PEOPLE = ROOT / "examples" / "people"
PHOTOGRAPH = (1632, 1224)
"""Height and width of a photograph of two megapixels."""

SPLITS = ("upper", "lower", "dress", "two", "hard")
"""Of the triplets: ordinary outfits."""

ROUNDS, STARTS = 15, 7
MEGABYTES = 8.0

MAPS = """
import json, sys, time
from pathlib import Path
from oviton.data.images import read_image
from oviton.data.memory import peak_resident_mb
from oviton.prepare.preparer import Preparer
with Preparer.load() as prepare:
    times = []
    for _ in range(int(sys.argv[2]) + 2):
        started = time.perf_counter()
        prepare(read_image(Path(sys.argv[1])))
        times.append(time.perf_counter() - started)
print(json.dumps([times[2:], peak_resident_mb()]))
"""


def main() -> None:
    """Judge, or measure what takes long."""
    parser = argparse.ArgumentParser(prog="python -m oviton.benchmarks.acceptance.photograph", description=__doc__)
    parser.add_argument("--accuracy", nargs=3, type=Path, metavar=("PHOTOS", "CASES", "TRIPLETS"))
    parser.add_argument("--looks", type=Path, metavar="TRIPLETS")
    parser.add_argument("--speed", action="store_true", help="on a machine that does nothing else")
    options = parser.parse_args()
    if options.accuracy:
        print(write(ACCURACY, measure_accuracy(*options.accuracy)))
    if options.looks:
        print(write(LOOKS, measure_looks(options.looks)))
    if options.speed:
        print(write(SPEED, measure_speed()))
    if not (options.accuracy or options.looks or options.speed):
        judge("A photograph is enough", targets())


def measure_accuracy(photographs: Path, cases: Path, triplets: Path) -> dict[str, Any]:
    """Score the shipped parser on held-out street photographs, real cases and rendered people."""
    rendered = sorted(path.parent for split in SPLITS for path in (triplets / split).glob("*/*/labels.png"))
    with Preparer.load() as preparer:
        found: dict[str, Scores] = {
            "street": score_street(preparer, photographs),
            "cases": score_folders(preparer, sorted(cases.glob("case_*/*/"))),
            "rendered": score_folders(preparer, rendered),
        }
    return {"bundle": _digest(), **{name: scores.to_json() for name, scores in found.items()}}


def measure_looks(triplets: Path) -> dict[str, Any]:
    """Dress the triplets from exact maps and from their photographs alone; perceptual distances to the truth."""
    with TryOn.load() as tryon, Preparer.load() as preparer:
        report = Evaluator(tryon, preparer=preparer).run(TripletFolder.open(triplets, splits=SPLITS))
    means = {
        method: float(np.mean([case.methods[method].perceptual for case in report.cases]))
        for method in (FEED_FORWARD, PREPARED)
    }
    refused = sum(note.startswith("not dressed from photographs") for note in report.notes)
    return {"bundle": _digest(), "triplets": len(report.cases), "refused": refused, "perceptual": means}


def measure_speed() -> dict[str, Any]:
    """Time a photograph of two megapixels to its maps, and two photographs to a look, warm and from the start.

    What is timed as a process of its own is oviton as users install it, without the tools of its developers.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(f"{folder}/venv", with_pip=True)
        python = f"{folder}/venv/bin/python"
        for command in (
            ["git", "clone", "--quiet", str(ROOT), f"{folder}/source"],  # setuptools leaves its files behind
            [python, "-m", "pip", "install", "--quiet", f"{folder}/source"],
        ):
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        environment = {**os.environ, "OVITON_CACHE": f"{folder}/plans", "OVITON_BUNDLE": ""}
        person, garment = (_photograph(name, Path(folder)) for name in ("hugo", "ana"))
        done = subprocess.run(
            [python, "-c", MAPS, str(person), str(ROUNDS)],
            cwd=folder, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        seconds, memory = json.loads(done.stdout)
        command = [python, "-m", "oviton", "try-on", str(person), "--wear", f"upper_clothes={garment}"]
        starts = []
        for _ in range(STARTS + 1):  # the first fills the cache
            started = time.perf_counter()
            subprocess.run(
                [*command, "-o", f"{folder}/look.png"], env=environment, check=True, stdout=subprocess.DEVNULL, cwd="/"
            )
            starts.append(time.perf_counter() - started)
        warm = []
        with TryOn.load() as tryon, Preparer.load() as preparer:
            for _ in range(ROUNDS):
                started = time.perf_counter()
                tryon(*open_people(person, [("upper_clothes", garment)], preparer=preparer))
                warm.append(time.perf_counter() - started)
    return {
        "bundle": _digest(),
        "maps_ms": round(1000 * median(seconds), 1),
        "maps_peak_mb": round(memory),
        "cold_ms": round(1000 * median(starts[1:])),
        "warm_ms": round(1000 * median(warm[2:])),
        "memory_mb": round(peak_resident_mb()),
    }


def targets() -> Iterator[Target]:
    """Yield every target."""
    size = sum(file.stat().st_size for file in (SHIPPED_BUNDLES / PREPARE.name).rglob("*") if file.is_file()) / 1e6
    yield Target("the prepare bundle", f"at most {MEGABYTES:g} MB", f"{size:.1f} MB", size <= MEGABYTES)
    found, told = _read(ACCURACY)
    street, cases, rendered = (found.get(name, {}) for name in ("street", "cases", "rendered"))
    for name, scores, key, limit in (
        ("held-out street photographs: silhouette IoU", street, "silhouette", 0.95),
        ("held-out street photographs: mIoU", street, "miou", 0.58),
        ("real cases: pixel accuracy", cases, "accuracy", 0.94),
        ("real cases: mIoU", cases, "miou", 0.86),
        ("rendered people: mIoU", rendered, "miou", 0.90),
    ):
        yield at_least(name, scores.get(key), limit, told)
    for name, scores, limit in (("real cases", cases, 0.87), ("rendered people", rendered, 0.93)):
        parts = scores.get("part_right", [])
        each = f"; each {', '.join(f'{value:.3f}' for value in parts)}" if 0 < len(parts) < 10 else ""
        yield at_least(f"{name}: body part right", float(np.mean(parts)) if parts else None, limit, told + each)
    for key, name, limit in (("delta_u", "ΔU", 0.06), ("delta_v", "ΔV", 0.055)):
        values = cases.get(key, [])
        each = f"; each {', '.join(f'{value:.3f}' for value in values)}"
        yield at_most(f"real cases: {name}", float(np.mean(values)) if values else None, limit, told + each)
    found, told = _read(LOOKS)
    distances = found.get("perceptual", {})
    ratio = distances[PREPARED] / distances[FEED_FORWARD] if distances else None
    refused = f"{found.get('refused')} of {found.get('triplets')} refused, {told}" if distances else told
    yield at_most("looks from photographs alone ÷ from exact maps, perceptual", ratio, 1.15, refused)
    found, told = _read(SPEED)
    for name, key, limit, unit in (
        ("a 2 MP photograph from file to maps, warm", "maps_ms", 150, " ms"),
        ("its peak memory", "maps_peak_mb", 1000, " MB"),
        ("two photographs to a look, cold process, warm cache", "cold_ms", 1500, " ms"),
        ("two photographs to a look, warm process", "warm_ms", 500, " ms"),
    ):
        yield at_most(name, found.get(key), limit, told, unit)


def _read(name: str) -> tuple[dict[str, Any], str]:
    """Return a result that was measured with the bundle that is here."""
    found, told = read_result(name)
    if found and found["bundle"] != _digest():
        return {}, f"measured with another bundle, {found['bundle'][:12]}…; measure again"
    return found, told


def _digest() -> str:
    return Bundle.open(SHIPPED_BUNDLES / PREPARE.name).manifest.digest


def _photograph(name: str, folder: Path) -> Path:
    """Write an example person into a photograph of two megapixels, on a plain ground, as a JPEG file."""
    height, width = PHOTOGRAPH
    person = Image.fromarray(read_image(PEOPLE / name / "image.png"))
    tall = person.resize((height * person.width // person.height, height), Image.Resampling.BICUBIC)
    photograph = Image.new("RGB", (width, height), tall.getpixel((0, 0)))
    photograph.paste(tall, ((width - tall.width) // 2, 0))
    path = folder / f"{name}.jpg"
    photograph.save(path, quality=92)
    return path


if __name__ == "__main__":
    main()
