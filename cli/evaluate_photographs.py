"""`oviton evaluate --photos`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from ..data.errors import InputError
from .console import counter, out, status

if TYPE_CHECKING:
    from ..data.images import UInt8Array
    from ..evaluation.photograph_report import PhotographReport, SelfSwap, Swap
    from ..evaluation.photographs import Shown

_ROWS = 12
"""A sheet shows so many cases of each kind, spread over all."""

_NAMES = {
    "unchanged": "unchanged",
    "flat": "flat colour",
    "lookup": "lookup alone",
    "feed_forward": "feed-forward",
    "feed_forward_true_labels": " with true labels",
}


def find_pictures(folder: Path, *, held_out: bool, skip: int, limit: int | None) -> list[Path]:
    """Return the photographs of a folder, in order.

    Raises
    ------
    InputError
        When there are fewer than two.
    """
    from ..prepare.person_folders import find_photographs
    from ..training.parser_data import is_held_out

    found = list(find_photographs([folder]).values())
    chosen = [path for path in found if not held_out or is_held_out(path.stem)][skip:][:limit]
    if len(chosen) < 2:
        kept = f"{len(chosen)} of {len(found)} photographs are left by --held-out, --skip and --limit"
        raise InputError(f"{folder}: {kept}; at least 2 are measured")
    return chosen


def evaluate_photographs(
    photographs: list[Path],
    name: str,
    bundle: Path | None,
    engine: str,
    precision: str,
    json_file: Path | None,
    sheet: Path | None,
) -> None:
    """Measure a bundle on photographs; print, and write what is asked for."""
    from ..data.files import atomic_path
    from ..data.images import write_image
    from ..evaluation.contact_sheet import ContactSheet
    from ..evaluation.photographs import PhotographEvaluator
    from ..prepare.preparer import Preparer
    from ..runtime.try_on import TryOn

    drawing, every = ContactSheet(), max(1, len(photographs) // _ROWS)
    cases: list[SelfSwap | Swap] = []

    def on_case(case: SelfSwap | Swap, shown: Shown) -> None:
        cases.append(case)
        if sum(type(each) is type(case) for each in cases) % every == 0:
            drawing.add(*_row(case, shown))

    with ExitStack() as pending:  # all files appear together, once all are whole
        with status("loading") as say:
            tryon = pending.enter_context(TryOn.load(bundle, engine, precision, on_progress=say))
            preparer = pending.enter_context(Preparer.load(engine=engine, on_progress=say))
            evaluator = PhotographEvaluator(tryon, preparer)
        with counter() as on_progress:
            report = evaluator.run(photographs, on_case=on_case, on_progress=on_progress)
        if sheet is not None:
            title = f"{report.bundle.name}, {report.conditioning} conditioning, on {name}"
            write_image(pending.enter_context(atomic_path(sheet)), drawing.draw(title), like=sheet)
        if json_file is not None:
            text = report.model_dump_json(indent=1) + "\n"
            pending.enter_context(atomic_path(json_file)).write_text(text, encoding="utf-8")
    _print(report)
    for path in (json_file, sheet):
        if path is not None:
            out.print(escape(str(path)), soft_wrap=True)


def _row(case: SelfSwap | Swap, shown: Shown) -> tuple[str, list[str], list[tuple[str, UInt8Array]]]:
    if case.kind == "swap":
        section = "In somebody else's clothes"
        ours = case.methods["feed_forward"]
        caption = [
            case.name,
            f"{case.worn} of {case.garment}",
            "",
            f"pieces {case.pieces[0]} to {case.pieces[1]}",
            f"roughness x {case.roughness:.2f}",
            f"read again {case.reread:.2f}",
            f"colour {ours.colour:.1f}",
            *(f"{limb} {found:.2f}" for limb, found in case.bared_limbs.items()),
        ]
    else:
        section = "In their own clothes, taken from the mirrored photograph"
        caption = [
            case.name,
            "",
            *(f"{_NAMES[method]}: {scores.perceptual:.2f}" for method, scores in case.methods.items()),
            *(f"IoU {worn} {found:.2f}" for worn, found in case.iou.items()),
        ]
    cells = [
        ("person", shown.person),
        ("garment", shown.garment),
        *((_NAMES[method].strip(), picture) for method, picture in shown.by_method.items() if method != "unchanged"),
        ("labels drawn", shown.labels),
    ]
    return section, caption, cells


def _print(report: PhotographReport) -> None:
    table = Table(
        title="In their own clothes, from the mirrored photograph: nearness to the photograph",
        caption="perc.: MobileNetV2 distance, lower is better. ±: half the 95 % interval.",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("method", no_wrap=True)
    for name in ("PSNR", "SSIM", "perc.", "±", "÷ flat"):
        table.add_column(name, justify="right")
    flat = report.self_swap["flat"].perceptual
    for method, scores in report.self_swap.items():
        low, high = report.perceptual_ci95[method]
        table.add_row(
            _NAMES[method],
            f"{scores.psnr:.2f}",
            f"{scores.ssim:.3f}",
            f"{scores.perceptual:.3f}",
            f"{(high - low) / 2:.3f}",
            f"{scores.perceptual / flat:.2f}",
        )
    out.print(table)
    table = Table(
        title="In somebody else's clothes",
        caption="colour, texture: difference from the garment's photograph. KID: to the people's own photographs.",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("method", no_wrap=True)
    for name in ("colour", "texture", "KID-MobileNetV2"):
        table.add_column(name, justify="right")
    for method, found in report.swap.items():
        kid = report.kid_mobilenetv2.get(method)
        table.add_row(
            _NAMES[method], f"{found.colour:.1f}", f"{found.texture:.3f}", "–" if kid is None else f"{kid:.3f}"
        )
    out.print(table)
    limbs = "none" if report.bared_limbs is None else f"{report.bared_limbs:.3f} (mean IoU of {report.limbs})"
    out.print(f"outlines of their own clothes, mean IoU: {report.iou:.3f}")
    out.print(f"bared limbs against the body map: {limbs}")
    out.print(f"garments of one piece that come in several: {report.islands:.1%}")
    out.print(f"roughness of outlines ÷ that in the garment's photograph, median: {report.roughness:.2f}")
    out.print(f"the garment as the parser sees it in the result, mean IoU: {report.reread:.3f}")
    out.print(f"kept pixels that were repainted: {report.kept_changed:.2%}")
    for skipped in report.skipped:
        out.print(f"[yellow]skipped:[/] {escape(skipped.name)}: {escape(skipped.reason)}", soft_wrap=True)
    bundle, engine = report.bundle, report.engine
    out.print(
        f"{escape(bundle.name)} {bundle.height}x{bundle.width}, {report.conditioning} conditioning, {engine.name} "
        f"{engine.precision}: {len(report.self_swaps)} photographs, {len(report.swaps)} swaps",
        soft_wrap=True,
    )
