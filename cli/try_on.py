"""`oviton try-on`."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..data.files import atomic_path
from ..data.images import check_output_suffix, lossy_notes, write_image
from .console import BundleOption, EngineOption, PrecisionOption, WhoOption, check_outputs, out, status
from .refine import RefineWishes, keep_outfit, refine, told_refinement
from .served import ServerWishes

if TYPE_CHECKING:
    from ..runtime.dressing import Look
    from ..runtime.person import Garment, Person
    from ..runtime.refinement.options import RefinementOptions
    from ..runtime.try_on import TryOn

    _Request = tuple[Person, list[Garment], list[str]]


def try_on(
    person: Annotated[Path, typer.Argument(help="A photograph, or a person folder: image, labels.png, densepose.png.")],
    wear: Annotated[
        list[str] | None,
        typer.Option(
            "--wear", metavar="CLASS[,CLASS]=GARMENT", help="Wear classes from a garment's picture or folder."
        ),
    ] = None,
    who: WhoOption = "largest",
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="CLASS", help="Take a garment class off.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write: .png, .webp or .jpg.")] = Path(
        "try-on.png"
    ),
    labels_out: Annotated[Path | None, typer.Option(help="Also write the new labels, as PNG.")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write a JSON report.")] = None,
    refine_steps: Annotated[
        int | None,
        typer.Option("--refine", metavar="STEPS", help="Refine on this request; 40 steps are usual."),
    ] = None,
    time_budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Refine for at most so many seconds.")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a preview of every refinement step into a new or empty folder."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the losses of refinement, as .png, .svg or .pdf."),
    ] = None,
    always: Annotated[
        bool, typer.Option("--always", help="Refine also where there seems to be nothing to gain.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Of refinement; 0 by default. Same seed, same picture.")] = None,
    save_outfit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the refined outfit, as .safetensors.")
    ] = None,
    outfit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Wear a refined outfit that was kept, at engine speed; of a server, its id."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Ask a Triton server: grpc://HOST:PORT, or grpcs://HOST:PORT with TLS."),
    ] = None,
    server_ca: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Who signed the server's certificate; turns TLS on.")
    ] = None,
    server_cert: Annotated[Path | None, typer.Option(metavar="PEM", help="Own certificate, for mTLS.")] = None,
    server_key: Annotated[Path | None, typer.Option(metavar="PEM", help="Its key.")] = None,
    server_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Wait for the server at most so long.")
    ] = None,
    keep_outfit_there: Annotated[
        bool, typer.Option("--keep-outfit", help="Let the server keep the refined outfit, and print its id.")
    ] = False,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
    bundle: BundleOption = None,
) -> None:
    """Dress a person in garments from other photographs."""
    from ..prepare.choice import parse_who
    from ..runtime.dressing import Dressing, TryOnRequest
    from ..runtime.person import open_people, parse_wear

    check_output_suffix(output)
    chosen = parse_who(who)
    if labels_out is not None:
        check_output_suffix(labels_out, lossless=True)
    pairs = [parse_wear(text) for text in wear or []]
    outputs = [path for path in (output, labels_out, report, save_outfit, plot) if path is not None]
    wishes = RefineWishes(refine_steps, time_budget, frames, seed, save_outfit, outfit, plot, always)
    options = wishes.check()
    asked = ServerWishes(server, server_ca, server_cert, server_key, server_timeout, keep_outfit_there)
    here = {"--bundle": bundle, "--engine": engine if engine != "auto" else None, "--save-outfit": save_outfit}
    here["--precision"] = precision if precision != "auto" else None
    asked.check(here, refine=options is not None)
    kept = outfit if server is None else None  # a server's outfit is no file
    read = [person, *(folder for _, folder in pairs), *(path for path in (bundle, kept) if path is not None)]
    check_outputs(outputs, inputs=read, folders=wishes.folders)
    removed = [name for text in remove or [] for name in text.split(",")]
    with ExitStack() as pending:  # all files appear together, once all are whole
        loading = _begin_loading(bundle, engine, precision, pending) if server is None else None
        with status("reading photographs"):
            subject, worn = open_people(person, pairs, who=chosen)
            request = (subject, worn, removed)
            Dressing.plan(TryOnRequest(*request))
        if loading is None:
            look = _dress_there(request, asked, wishes, options, pending)
        else:
            look = _dress_here(request, loading, wishes, options, pending)
        notes = (*look.report.notes, *lossy_notes(output))
        look = replace(look, report=look.report.model_copy(update={"notes": notes}))
        _write(look, output, labels_out, report, pending)
    for note in look.report.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    if save_outfit is not None:
        done = look.weights is not None
        told = "kept" if done else "not written, since nothing was refined"
        out.print(f"{escape(str(save_outfit))}: {told}", soft_wrap=True)
    refined = look.report.refinement
    if keep_outfit_there:
        there = refined.outfit if refined is not None else None
        out.print(f"outfit {there}: kept on the server" if there else "outfit: not kept, since nothing was refined")
    used, place = look.report.engine, f" at {server}" if server is not None else ""
    out.print(
        f"{escape(str(output))}: {look.image.shape[1]}x{look.image.shape[0]}, {used.name} {used.precision} on "
        f"{used.device}{place}, {look.report.total_ms:.0f} ms" + told_refinement(look.report.refinement),
        soft_wrap=True,
    )


def _begin_loading(bundle: Path | None, engine: str, precision: str, pending: ExitStack) -> Future[TryOn]:
    """Load the engines beside the reading of photographs, to be closed with `pending`."""
    from ..runtime.try_on import TryOn

    pool = ThreadPoolExecutor(1, thread_name_prefix="oviton loading")
    loading = pool.submit(TryOn.load, bundle, engine, precision)
    pool.shutdown(wait=False)
    # Does not wait: what is wrong with a photograph is told now, not once the engines are there.
    pending.callback(loading.add_done_callback, _close)
    return loading


def _close(loading: Future[TryOn]) -> None:
    if loading.exception() is None:
        loading.result().close()


def _dress_here(
    request: _Request,
    loading: Future[TryOn],
    wishes: RefineWishes,
    options: RefinementOptions | None,
    pending: ExitStack,
) -> Look:
    """Dress in this process."""
    from ..runtime.refinement.refined_weights import RefinedWeights

    kept = RefinedWeights.open(wishes.outfit) if wishes.outfit is not None else None
    with status("loading") as say:
        tryon = loading.result()
        if kept is not None:
            say("refitting")
            tryon.load_weights(kept)
        say("dressing")
        if options is None:
            return tryon(*request)
    refinement = tryon.refinement(*request, options)
    look = refine(refinement, options, wishes, pending)
    keep_outfit(refinement, look, wishes, pending)
    return look


def _dress_there(
    request: _Request,
    asked: ServerWishes,
    wishes: RefineWishes,
    options: RefinementOptions | None,
    pending: ExitStack,
) -> Look:
    """Dress on a server."""
    with asked.connect() as client:
        if options is None:
            with status(f"waiting for {asked.server}"):
                return client(*request, outfit=str(wishes.outfit) if wishes.outfit is not None else None)
        with client.refinement(*request, options, keep_outfit=asked.keep_outfit) as refinement:
            return refine(refinement, options, wishes, pending)


def _write(look: Look, output: Path, labels_out: Path | None, report: Path | None, pending: ExitStack) -> None:
    """Write files that appear when `pending` closes."""
    write_image(pending.enter_context(atomic_path(output)), look.image, like=output)
    if labels_out is not None:
        write_image(pending.enter_context(atomic_path(labels_out)), look.labels, like=labels_out)
    if report is not None:
        text = look.report.model_dump_json(indent=1) + "\n"
        pending.enter_context(atomic_path(report)).write_text(text, encoding="utf-8")
