"""`oviton try-on`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..data.errors import InputError
from ..data.files import atomic_path
from ..data.images import check_output_suffix, write_image
from .console import BundleOption, EngineOption, PrecisionOption, check_outputs, out, status
from .refine_progress import shown_steps

if TYPE_CHECKING:
    from ..runtime.refinement.options import RefinementOptions
    from ..runtime.report import RefinementReport
    from ..runtime.try_on import Look


def try_on(
    person: Annotated[Path, typer.Argument(help="Person folder: image, labels.png, densepose.png.")],
    wear: Annotated[
        list[str] | None,
        typer.Option("--wear", metavar="CLASS[,CLASS]=GARMENT", help="Wear classes from a garment folder."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="CLASS", help="Take a garment class off.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write.")] = Path("try-on.png"),
    labels_out: Annotated[Path | None, typer.Option(help="Also write the new labels, as PNG.")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write a JSON report.")] = None,
    refine: Annotated[
        int | None, typer.Option(metavar="STEPS", help="Refine on this request, for so many steps; 40 is usual.")
    ] = None,
    time_budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Refine for at most so many seconds.")
    ] = None,
    frames: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a preview of every refinement step into a new folder.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of refinement: same seed, same picture.")] = 0,
    save_outfit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the refined outfit, as .safetensors.")
    ] = None,
    outfit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Wear a refined outfit that was kept, at engine speed.")
    ] = None,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
    bundle: BundleOption = None,
) -> None:
    """Dress a person in garments from other photographs."""
    from ..runtime.outfit import plan_outfit
    from ..runtime.person import Garment, Person, parse_wear
    from ..runtime.refinement.outfit_weights import OutfitWeights
    from ..runtime.try_on import TryOn

    check_output_suffix(output)
    if labels_out is not None:
        check_output_suffix(labels_out, lossless=True)
    pairs = [parse_wear(text) for text in wear or []]
    outputs = [path for path in (output, labels_out, report, save_outfit) if path is not None]
    options = _refinement_options(refine, time_budget, frames, seed)
    _check_outfit_options(save_outfit, outfit, refine)
    kept = OutfitWeights.open(outfit) if outfit is not None else None
    bundles = [bundle] if bundle is not None else []
    check_outputs(outputs, inputs=[person, *(folder for _, folder in pairs), *bundles])
    removed = [name for text in remove or [] for name in text.split(",")]
    with ExitStack() as loaded:
        with status("reading photographs") as say:
            subject = Person.open(person)
            garments = [Garment.open(folder, wear=classes) for classes, folder in pairs]
            plan_outfit(garments, removed)  # contradictions are told before engines load
            tryon = loaded.enter_context(TryOn.load(bundle, engine, precision, on_progress=say))
            if kept is not None:
                say("refitting")
                tryon.serve(kept)
            say("dressing")
            look = tryon(subject, garments, removed) if options is None else None
        if options is not None:
            if frames is not None:
                frames.mkdir(parents=True, exist_ok=True)
            with shown_steps(options.steps, frames) as on_step:
                refinement = tryon.refinement(subject, garments, removed, options)
                for step in refinement:
                    on_step(step)
                look = refinement.look()
            if save_outfit is not None and look.weights is not None:
                refinement.outfit().save(save_outfit)
    assert look is not None
    _write(look, output, labels_out, report)
    for note in look.report.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    if save_outfit is not None:
        done = look.weights is not None
        told = "kept" if done else "not written, since nothing was refined"
        out.print(f"{escape(str(save_outfit))}: {told}", soft_wrap=True)
    used = look.report.engine
    out.print(
        f"{escape(str(output))}: {look.image.shape[1]}x{look.image.shape[0]}, {used.name} {used.precision} on "
        f"{used.device}, {look.report.total_ms:.0f} ms" + _refined_text(look.report.refinement),
        soft_wrap=True,
    )


def _write(look: Look, output: Path, labels_out: Path | None, report: Path | None) -> None:
    """Write all files together, once all are whole."""
    with ExitStack() as pending:
        write_image(pending.enter_context(atomic_path(output)), look.image, like=output)
        if labels_out is not None:
            write_image(pending.enter_context(atomic_path(labels_out)), look.labels, like=labels_out)
        if report is not None:
            text = look.report.model_dump_json(indent=1) + "\n"
            pending.enter_context(atomic_path(report)).write_text(text, encoding="utf-8")


def _refinement_options(
    steps: int | None, time_budget: float | None, frames: Path | None, seed: int
) -> RefinementOptions | None:
    """Return what was asked for; None without refinement."""
    from ..runtime.refinement.options import RefinementOptions

    if steps is None:
        if time_budget is not None or frames is not None:
            raise InputError("--time-budget and --frames go with --refine STEPS")
        return None
    if frames is not None and (frames.is_file() or (frames.is_dir() and any(frames.iterdir()))):
        raise InputError(f"--frames {frames}: not empty; choose a new folder")
    every = 0 if frames is None else 1
    return RefinementOptions(steps=steps, time_budget=time_budget, seed=seed, preview_every=every)


def _check_outfit_options(save_outfit: Path | None, outfit: Path | None, steps: int | None) -> None:
    if save_outfit is not None:
        if steps is None:
            raise InputError("--save-outfit goes with --refine STEPS")
        if save_outfit.suffix != ".safetensors":
            raise InputError(f"--save-outfit {save_outfit}: allowed: a name that ends in .safetensors")
    if outfit is not None and steps is not None:
        raise InputError("--outfit wears what was refined before, so --refine does not go with it; choose one")


def _refined_text(report: RefinementReport | None) -> str:
    if report is None:
        return ""
    loss = f"loss {report.losses_before.get('loss', 0):.2f} to {report.losses_after.get('loss', 0):.2f}"
    return f", {'refined' if report.accepted else 'not refined'} in {report.steps} steps, {loss}"
