"""`oviton try-on`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from .console import BundleOption, EngineOption, PrecisionOption, check_outputs, out, status


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
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
    bundle: BundleOption = None,
) -> None:
    """Dress a person in garments from other photographs."""
    from ..data.files import atomic_path
    from ..data.images import check_output_suffix, write_image
    from ..runtime.outfit import plan_outfit
    from ..runtime.person import Garment, Person, parse_wear
    from ..runtime.try_on import TryOn

    check_output_suffix(output)
    if labels_out is not None:
        check_output_suffix(labels_out, lossless=True)
    pairs = [parse_wear(text) for text in wear or []]
    outputs = [path for path in (output, labels_out, report) if path is not None]
    bundles = [bundle] if bundle is not None else []
    check_outputs(outputs, inputs=[person, *(folder for _, folder in pairs), *bundles])
    removed = [name for text in remove or [] for name in text.split(",")]
    with status("reading photographs") as say:
        subject = Person.open(person)
        garments = [Garment.open(folder, wear=classes) for classes, folder in pairs]
        plan_outfit(garments, removed)  # contradictions are told before engines load
        with TryOn.load(bundle, engine, precision, on_progress=say) as tryon:
            say("dressing")
            look = tryon(subject, garments, removed)
    with ExitStack() as pending:  # all files appear together, once all are whole
        write_image(pending.enter_context(atomic_path(output)), look.image, like=output)
        if labels_out is not None:
            write_image(pending.enter_context(atomic_path(labels_out)), look.labels, like=labels_out)
        if report is not None:
            text = look.report.model_dump_json(indent=1) + "\n"
            pending.enter_context(atomic_path(report)).write_text(text, encoding="utf-8")
    for note in look.report.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    used = look.report.engine
    out.print(
        f"{escape(str(output))}: {look.image.shape[1]}x{look.image.shape[0]}, {used.name} {used.precision} on "
        f"{used.device}, {look.report.total_ms:.0f} ms",
        soft_wrap=True,
    )
