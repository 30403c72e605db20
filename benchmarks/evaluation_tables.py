"""What evaluations of the shipped bundles found, as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..evaluation.json_file import read_model
from ..evaluation.report import EvaluationReport

BUNDLES = ("base", "small", "small-codes")

Evaluations = Mapping[str, EvaluationReport]


def read_evaluations(results: Path) -> dict[str, EvaluationReport]:
    """Return the committed evaluations by the bundle's name."""
    paths = {name: results / f"evaluation-{name}.json" for name in BUNDLES}
    return {
        name: read_model(path, EvaluationReport, "a result of oviton evaluate")
        for name, path in paths.items()
        if path.exists()
    }


def appearance_table(found: Evaluations) -> str:
    """Return distances relative to flat colour, split by split and of all, with generated labels and with true ones."""
    if not found:
        return ""
    heads = [f"`{name}` ({report.conditioning}) | with true labels" for name, report in found.items()]
    lines = [f"| split | {' | '.join(heads)} |", "|---" * (1 + 2 * len(found)) + "|"]
    for split in _splits(found):
        cells = []
        for report in found.values():
            methods = report.splits[split].methods
            flat = methods["flat"].perceptual
            for method in ("feed_forward", "feed_forward_true_labels"):
                cells.append(_short(methods[method].perceptual / flat))
        lines.append(f"| {split} | {' | '.join(cells)} |")
    together = [
        _short(_sum_of_distances(report, method) / _sum_of_distances(report, "flat"))
        for report in found.values()
        for method in ("feed_forward", "feed_forward_true_labels")
    ]
    lines.append(f"| all triplets | {' | '.join(together)} |")
    return "\n".join(lines)


def _sum_of_distances(report: EvaluationReport, method: str) -> float:
    return sum(case.methods[method].perceptual for case in report.cases)


def gain_table(found: Evaluations) -> str:
    """Return each split's PSNR over flat colour in dB, with generated labels and with true ones."""
    if not found:
        return ""
    lines = [f"| PSNR over flat, dB | {' | '.join(_splits(found))} |", "|---" * (1 + len(_splits(found))) + "|"]
    for name, report in found.items():
        for method, what in (("feed_forward", "generated labels"), ("feed_forward_true_labels", "true labels")):
            gains = [s.methods[method].psnr - s.methods["flat"].psnr for s in report.splits.values()]
            lines.append(f"| `{name}`, {what} | {' | '.join(f'{gain:+.1f}' for gain in gains)} |")
    return "\n".join(lines)


def shape_table(found: Evaluations) -> str:
    """Return each split's mean IoU and that of every swapped class, beside the old labels'.

    Bundles share one shape network, so it is the evaluation on the most triplets that counts.
    """
    if not found:
        return ""
    report = max(found.values(), key=lambda each: len(each.cases))
    lines = [
        "| split | triplets | mIoU | swapped garments: IoU of what is drawn (of the old labels) |",
        "|---|---|---|---|",
    ]
    for split, scores in report.splits.items():
        garments = [
            f"{name.replace('_', ' ')} {_short(each.generated)} ({_short(each.old_labels)})"
            for name, each in sorted(scores.iou.items())
        ]
        lines.append(f"| {split} | {scores.n} | {_short(scores.miou)} | {', '.join(garments)} |")
    return "\n".join(lines)


EVALUATION_TABLES: dict[str, Callable[[Evaluations], str]] = {
    "appearance": appearance_table,
    "gain": gain_table,
    "shape": shape_table,
}
"""What a page may ask for, of the committed evaluations."""


def _splits(found: Evaluations) -> list[str]:
    return list(next(iter(found.values())).splits)


def _short(value: float) -> str:
    """Return a share with two digits and no leading zero."""
    return f"{value:.2f}".removeprefix("0")
