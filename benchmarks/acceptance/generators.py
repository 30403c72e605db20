"""Whether the generators know photographs: triplets of rendered people, held-out photographs, weight and rules.

``make accept-generators`` prints every target with its measured value. What takes long is read from the evaluations in
``benchmarks/results/``, which name the bundle that they are of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...bundle.bundle import SHIPPED_BUNDLES, Bundle
from ...bundle.families import PREPARE
from ...evaluation.methods import FEED_FORWARD, FLAT
from ..machine import RESULTS
from .targets import ROOT, Target, at_least, at_most, judge

ORDINARY = ("upper", "lower", "dress", "two", "hard")
"""Splits of ordinary outfits."""

SPECIAL = ("layers", "undress", "hidden", "thin")
"""Splits of what people do besides."""

OUTLINES = {"upper_clothes": 0.90, "pants": 0.94, "skirt": 0.92, "dress": 0.94}
PERCEPTUAL = {"base": 0.60, "small": 0.50}
BEFORE = "photographs-before"
"""The default bundle on photographs before it had seen any."""

RULES = ("correspondence", "composition", "conditioning.py", "push_pull.py")
"""Where in ``networks/`` places are read and pictures composed; the matcher is a network and does not count."""

MOST_RULES = 700
MEGABYTES = 26.0


def main() -> None:
    """Judge."""
    judge("Generators that know photographs", targets())


def targets() -> Iterator[Target]:
    """Yield every target."""
    for name, limit in PERCEPTUAL.items():
        report, told = read_report(f"evaluation-{name}", name)
        yield at_most(f"triplets, perceptual ÷ flat, {name}", _ratio(report, ORDINARY), limit, told)
    report, told = read_report("evaluation-base", "base")
    for name, limit in OUTLINES.items():
        yield at_least(f"triplets, swapped IoU, {name}", _outline(report, name), limit, told)
    for split in SPECIAL:
        yield at_most(f"{split}, perceptual ÷ flat", _ratio(report, [split]), 0.65, told)
        yield at_least(f"{split}, IoU of what comes and goes", _split(report, split).get("changed_iou"), 0.85, told)
    yield from _photographs()
    for name, wanted in (
        ("refinement, hidden part, textured ÷ feed-forward", "≤ 0.85, 95 % not worse"),
        ("1024x512 at its own size ÷ enlarged, perceptual", "≤ 0.8"),
        ("feed-forward ms ÷ before", "≤ 1"),
    ):
        yield Target(name, wanted, "not measured yet", passed=False)
    lines = rule_lines()
    yield Target("lines of rules in networks/", f"at most {MOST_RULES}", str(lines), lines <= MOST_RULES)
    bundles = [path for path in SHIPPED_BUNDLES.iterdir() if path.name != PREPARE.name]
    size = sum(file.stat().st_size for path in bundles for file in path.rglob("*") if file.is_file()) / 1e6
    yield Target("all O-VITON bundles", f"at most {MEGABYTES:g} MB", f"{size:.1f} MB", size <= MEGABYTES)


def read_report(name: str, bundle: str) -> tuple[dict[str, Any], str]:
    """Return an evaluation and what to say of it; nothing if it is of another bundle than the one that is shipped."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return {}, f"not measured: no benchmarks/results/{path.name}"
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report["bundle"]["identity"] != Bundle.open(SHIPPED_BUNDLES / bundle).identity:
        return {}, f"benchmarks/results/{path.name} is of another bundle; measure again"
    return report, path.name


def rule_lines() -> int:
    """Count the lines of `RULES`."""
    paths = [path for name in RULES for path in (ROOT / "networks" / name, *(ROOT / "networks" / name).glob("*.py"))]
    files = [path for path in paths if path.is_file() and path.name != "matcher.py"]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def _photographs() -> Iterator[Target]:
    report, told = read_report("photographs-base", "base")
    before = json.loads((RESULTS / f"{BEFORE}.json").read_text(encoding="utf-8"))
    ratio, earlier = (_self_swap(each) for each in (report, before))
    yield at_most("photographs, self-swap, perceptual ÷ flat", ratio, 0.55, f"before {earlier:.3f}, {told}")
    yield at_most("the same ÷ before", None if ratio is None or not earlier else ratio / earlier, 0.7, told)
    yield at_least("bared limbs, IoU with the body map's", report.get("bared_limbs"), 0.85, told)
    yield at_most("kept pixels repainted", report.get("kept_changed"), 0.0, told)
    yield at_most("swaps with islands", report.get("islands"), 0.05, told)
    kid, earlier_kid = (each.get("kid_mobilenetv2", {}).get(FEED_FORWARD) for each in (report, before))
    yield at_most("KID-MobileNetV2 ÷ before", None if kid is None else kid / earlier_kid, 0.6, told)


def _self_swap(report: Mapping[str, Any]) -> float | None:
    methods = report.get("self_swap")
    return methods[FEED_FORWARD]["perceptual"] / methods[FLAT]["perceptual"] if methods else None


def _split(report: Mapping[str, Any], split: str) -> dict[str, Any]:
    found: dict[str, Any] = report.get("splits", {}).get(split, {})
    return found


def _ratio(report: Mapping[str, Any], splits: Iterable[str]) -> float | None:
    found = [each for split in splits if (each := _split(report, split))]
    if not found:
        return None
    counts = [each["n"] for each in found]
    ours, flat = (
        np.average([each["methods"][method]["perceptual"] for each in found], weights=counts)
        for method in (FEED_FORWARD, FLAT)
    )
    return float(ours / flat)


def _outline(report: Mapping[str, Any], name: str) -> float | None:
    found = [scores for split in ORDINARY if (scores := _split(report, split).get("iou", {}).get(name))]
    return float(np.average([s["generated"] for s in found], weights=[s["n"] for s in found])) if found else None


if __name__ == "__main__":
    main()
