"""What evaluations of the shipped bundles found, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..evaluation.json_file import read_model
from ..evaluation.methods import FEED_FORWARD, FLAT, TRUE_LABELS
from ..evaluation.report import EvaluationReport
from .table import Table

BUNDLES = ("base", "small", "small-codes")
METHODS = {FEED_FORWARD: "generated labels", TRUE_LABELS: "true labels"}

Evaluations = Mapping[str, EvaluationReport]


def read_evaluations(results: Path) -> dict[str, EvaluationReport]:
    """Return the committed evaluations by the bundle's name."""
    paths = {name: results / f"evaluation-{name}.json" for name in BUNDLES}
    return {
        name: read_model(path, EvaluationReport, "a result of oviton evaluate")
        for name, path in paths.items()
        if path.exists()
    }


def appearance_table(found: Evaluations) -> Table:
    """Return distances relative to flat colour, split by split and of all, with generated labels and with true ones."""
    rows = [
        [split, *(_short(_nearness(report, method, split)) for report in found.values() for method in METHODS)]
        for split in _splits(found)
    ]
    everything = [_short(_nearness(report, method)) for report in found.values() for method in METHODS]
    titles = [f"`{name}` ({report.conditioning})" for name, report in found.items()]
    columns = ["split", *(column for title in titles for column in (title, "with true labels"))]
    return Table(columns, [*rows, ["all triplets", *everything]] if found else [])


def gain_table(found: Evaluations) -> Table:
    """Return each split's PSNR over flat colour in dB, with generated labels and with true ones."""
    rows = [
        [
            f"`{name}`, {what}",
            *(f"{s.methods[method].psnr - s.methods[FLAT].psnr:+.1f}" for s in report.splits.values()),
        ]
        for name, report in found.items()
        for method, what in METHODS.items()
    ]
    return Table(["PSNR over flat, dB", *_splits(found)], rows)


def shape_table(found: Evaluations) -> Table:
    """Return each split's mean IoU and that of every swapped class, beside the old labels'.

    Bundles share one shape network, so it is the evaluation on the most triplets that counts.
    """
    rows = []
    for split, scores in max(found.values(), key=lambda each: len(each.cases)).splits.items() if found else ():
        garments = [
            f"{name.replace('_', ' ')} {_short(each.generated)} ({_short(each.old_labels)})"
            for name, each in sorted(scores.iou.items())
        ]
        rows.append([split, str(scores.n), _short(scores.miou), ", ".join(garments)])
    return Table(("split", "triplets", "mIoU", "swapped garments: IoU of what is drawn (of the old labels)"), rows)


EVALUATION_TABLES: dict[str, Callable[[Evaluations], Table]] = {
    "appearance": appearance_table,
    "gain": gain_table,
    "shape": shape_table,
}
"""What a page may ask for, of the committed evaluations."""


def _splits(found: Evaluations) -> list[str]:
    return list(next(iter(found.values())).splits) if found else []


def _nearness(report: EvaluationReport, method: str, split: str | None = None) -> float:
    """Return a method's mean distance to the truth over that of flat colour, in one split or in all."""
    cases = [case.methods for case in report.cases if split in (None, case.split)]
    return sum(case[method].perceptual for case in cases) / sum(case[FLAT].perceptual for case in cases)


def _short(value: float) -> str:
    """Return a share with two digits and no leading zero."""
    return f"{value:.2f}".removeprefix("0")
