"""`oviton evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from ..data.errors import InputError
from .console import BundleOption, EngineOption, PrecisionOption, check_outputs, counter, out, status
from .evaluate_photographs import evaluate_photographs, find_pictures

if TYPE_CHECKING:
    from ..evaluation.methods import Pictures
    from ..evaluation.report import CaseReport, EvaluationReport, RefinementSummary, SplitReport
    from ..evaluation.triplets import Triplet

_SHORT = {"feed_forward": "feed-forward", "feed_forward_true_labels": " with true labels"}
"""What tables call methods, where the name in the JSON file is not short enough for 80 columns."""


def evaluate(
    triplets: Annotated[
        Path | None, typer.Option("--triplets", metavar="DIR", help="Triplets that oviton render --triplets wrote.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option("--photos", metavar="DIR", help="Photographs of people, instead of triplets.")
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Of the photographs, only those that training leaves out: every tenth.")
    ] = False,
    split: Annotated[list[str] | None, typer.Option("--split", help="Only this split; repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many of each split, or photographs.")] = None,
    skip: Annotated[int, typer.Option(min=0, help="Leave out the first so many of those.")] = 0,
    refine: Annotated[int, typer.Option(metavar="STEPS", help="Also measure refinement, of so many steps.")] = 0,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Also dress from the photographs alone, as people without maps do.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every number to this file.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Draw a contact sheet into this picture.")] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write every method's pictures as folders, for oviton study."),
    ] = None,
    bundle: BundleOption = None,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
) -> None:
    """Measure a bundle on triplets, which hold what people truly look like in garments, or on photographs."""
    from ..data.files import atomic_path
    from ..data.images import check_output_suffix, write_image
    from ..data.optional import require

    require("torch", extra="train", purpose="evaluation")
    from ..evaluation.contact_sheet import TripletSheet
    from ..evaluation.evaluator import Evaluator
    from ..evaluation.picture_folders import PictureFolders, holds_only_pictures
    from ..evaluation.triplets import TripletFolder
    from ..prepare.preparer import Preparer
    from ..runtime.refinement.options import RefinementOptions
    from ..runtime.try_on import TryOn

    if sheet is not None:
        check_output_suffix(sheet)
    outputs = [path for path in (json_file, sheet) if path is not None]
    read = [path for path in (triplets, photos, bundle) if path is not None]
    if photos is not None:
        others = {"--triplets": triplets, "--split": split, "--refine": refine, "--prepare": prepare}
        _refuse({**others, "--pictures": pictures})
        check_outputs(outputs, inputs=read)
        evaluate_photographs(
            find_pictures(photos, held_out=held_out, skip=skip, limit=limit),
            photos.name,
            bundle,
            engine,
            precision,
            json_file,
            sheet,
        )
        return
    if held_out:
        raise InputError("--held-out goes with --photos; leave it out of measuring triplets")
    if triplets is None:
        raise InputError("nothing to measure on: give --triplets DIR or --photos DIR")
    options = RefinementOptions(steps=refine) if refine else None
    check_outputs(outputs, inputs=read, folders={pictures: holds_only_pictures} if pictures is not None else {})
    folder = TripletFolder.open(triplets, splits=split or (), skip=skip, limit=limit)
    drawing = TripletSheet.of(folder)
    with ExitStack() as pending:  # all files appear together, once all are whole
        with status("loading") as say:
            tryon = pending.enter_context(TryOn.load(bundle, engine, precision, on_progress=say))
            preparer = pending.enter_context(Preparer.load(engine=engine, on_progress=say)) if prepare else None
            evaluator = Evaluator(tryon, options, preparer)
        folders = pending.enter_context(PictureFolders.create(pictures)) if pictures is not None else None

        def on_case(triplet: Triplet, made: Pictures, case: CaseReport) -> None:
            drawing.add(triplet, made, case)
            if folders is not None:
                folders.add(triplet, made)

        with counter() as on_progress:
            report = evaluator.run(folder, on_case=on_case, on_progress=on_progress)
        if sheet is not None:
            title = f"{report.bundle.name}, {report.conditioning} conditioning, on {folder.path.name}"
            write_image(pending.enter_context(atomic_path(sheet)), drawing.sheet.draw(title), like=sheet)
        if json_file is not None:
            text = report.model_dump_json(indent=1) + "\n"
            pending.enter_context(atomic_path(json_file)).write_text(text, encoding="utf-8")
    _print(report)
    for path in (json_file, sheet, pictures):
        if path is not None:
            out.print(escape(str(path)), soft_wrap=True)


def _refuse(others: Mapping[str, object]) -> None:
    """Refuse options that measuring photographs does not have."""
    wrong = next((name for name, value in others.items() if value), None)
    if wrong is not None:
        raise InputError(f"{wrong} does not go with --photos; leave one of them out")


def _print(report: EvaluationReport) -> None:
    out.print(_picture_table(report))
    out.print(_label_table(report))
    out.print(_distribution_table(report))
    for line in _refinement_lines(report.refinement):
        out.print(escape(line), soft_wrap=True)
    for name, reason in _by_reason(report.not_measured).items():
        out.print(f"{name}: not measured: {escape(reason)}", soft_wrap=True)
    for skipped in report.skipped:
        out.print(f"[yellow]skipped:[/] {escape(skipped.name)}: {escape(skipped.reason)}", soft_wrap=True)
    if report.skipped:
        total = len(report.cases) + len(report.skipped)
        out.print(f"[yellow]note:[/] {len(report.skipped)} of {total} triplets could not be used")
    for note in report.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    bundle, engine = report.bundle, report.engine
    out.print(
        f"{escape(bundle.name)} {bundle.height}x{bundle.width}, {report.conditioning} conditioning, {engine.name} "
        f"{engine.precision}: {len(report.cases)} triplets, {report.seconds:.0f} s",
        soft_wrap=True,
    )


def _picture_table(report: EvaluationReport) -> Table:
    table = _table(
        "split, method",
        title="Nearness to the truth in the swapped region",
        caption="perc.: MobileNetV2 distance, lower is better. ±: half the 95 % interval.\n"
        "÷ flat: perc. relative to flat colour; textured: likewise, without plain garments.",
    )
    for name in ("PSNR", "±", "− flat", "SSIM", "perc.", "±", "÷ flat", "textured"):
        table.add_column(name, justify="right")
    for name, split in report.splits.items():
        table.add_section()
        table.add_row(f"[bold]{escape(name)}[/], {split.n}")
        flat = split.methods["flat"]
        for method, scores in split.methods.items():
            interval = split.ci95.methods[method]
            table.add_row(
                f" {_SHORT.get(method, method)}",
                f"{scores.psnr:.2f}",
                f"{_half(interval.psnr):.2f}",
                f"{scores.psnr - flat.psnr:+.2f}",
                f"{scores.ssim:.3f}",
                f"{scores.perceptual:.3f}",
                f"{_half(interval.perceptual):.3f}",
                _ratio(scores.perceptual, flat.perceptual),
                _textured(split, method),
            )
    return table


def _label_table(report: EvaluationReport) -> Table:
    title = "Labels: intersection over union with the truth"
    table = _table("split, class", title=title)
    for name in ("n", "generated", "old labels"):
        table.add_column(name, justify="right")
    for name, split in report.splits.items():
        table.add_section()
        means = f"{split.miou:.3f}", f"{split.miou_old_labels:.3f}"
        table.add_row(f"[bold]{escape(name)}[/], mean of all classes", str(split.n), *means)
        for garment, found in split.iou.items():
            table.add_row(f" {garment}", str(found.n), f"{found.generated:.3f}", f"{found.old_labels:.3f}")
        if split.changed_iou is not None:
            table.add_row(" what comes and goes", "", f"{split.changed_iou:.3f}")
        table.add_row(" head, hair, hands, background: repainted", "", _share(split.kept_changed))
        table.add_row(" … taken for something else", "", _share(split.kept_relabelled))
    return table


def _distribution_table(report: EvaluationReport) -> Table:
    columns = {
        "FID-MobileNetV2": report.fid_mobilenetv2,
        "IS-MobileNetV2": report.is_mobilenetv2,
        "FID": report.fid or {},
        "Inception Score": report.inception_score or {},
    }
    present = {title: values for title, values in columns.items() if values}
    title = f"All {len(report.cases)} results as a whole, against the true pictures"
    table = _table("method", title=title)
    for title in present:
        table.add_column(title, justify="right")
    for method in dict.fromkeys(name for values in reversed(present.values()) for name in values):
        table.add_row(
            _SHORT.get(method, method),
            *(f"{values[method]:.2f}" if method in values else "–" for values in present.values()),
        )
    return table


def _refinement_lines(found: RefinementSummary | None) -> list[str]:
    if found is None:
        return []
    lines = [f"refined: {found.accepted:.0%} of {found.n} accepted, {found.not_worse:.0%} not worse by more than 2 %"]
    if found.by_feed_forward is not None:
        lines.append(
            f"refined, {found.textured} textured: {found.by_feed_forward:.2f} x feed-forward, "
            f"{found.by_flat:.2f} x flat (feed-forward {found.feed_forward_by_flat:.2f} x flat)"
        )
    for case in found.worse:
        (before, after), decibels = case.perceptual, "{:.1f} to {:.1f} dB".format(*case.psnr)
        lines.append(f" worse: {case.name} ({case.fabric}): {before:.3f} to {after:.3f}, {decibels}")
    return [*lines, *(f" kept feed-forward: {name}: {reason}" for name, reason in found.rejected.items())]


def _table(first: str, *, title: str, caption: str | None = None) -> Table:
    """Return a table narrow enough for 80 columns, whose first column is never cut."""
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column(first, no_wrap=True)
    return table


def _by_reason(reasons: dict[str, str]) -> dict[str, str]:
    """Return the reasons with the names that share one joined."""
    joined: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        joined.setdefault(reason, []).append(name)
    return {", ".join(names): reason for reason, names in joined.items()}


def _textured(split: SplitReport, method: str) -> str:
    if split.textured is None:
        return "–"
    methods = split.textured.methods
    return _ratio(methods[method].perceptual, methods["flat"].perceptual)


def _ratio(value: float, baseline: float) -> str:
    return f"{value / baseline:.2f}" if baseline else "–"


def _share(share: float) -> str:
    return f"{share:.2%}" if share else "0"


def _half(interval: Iterable[float]) -> float:
    low, high = interval
    return (high - low) / 2
