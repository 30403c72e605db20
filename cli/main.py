"""The command line. Every command checks its input first, writes files whole or not at all, and says what it wrote."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import __version__
from .data.errors import GateError, InputError
from .data.files import check_target

app = typer.Typer(
    name="oviton",
    help="Virtual try-on: dress a photographed person in garments photographed on other people.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False, emoji=False)
_err = Console(stderr=True, highlight=False, emoji=False)

_USER_ERRNO = {errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT}
"""What the system refuses because of the path that it was given."""

_CANCELLED = 130

BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Bundle folder; by default the shipped one.", show_default=False)
]
BundleArgument = Annotated[
    Path | None, typer.Argument(help="Bundle folder; by default the shipped one.", show_default=False)
]
EngineOption = Annotated[str, typer.Option("--engine", help="auto, openvino, onnxruntime or torch.")]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="auto: the fastest that passes its gate here; or fp32, bf16, fp16.")
]


def main() -> None:
    """Run the command line: exit 0 when done, 2 for bad input, 130 when cancelled, 1 for anything else."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary files are cleaned up
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 still gets every message
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        status = _stop_writing()
    except SystemExit as stop:
        # Typer answers a closed pipe by wrapping stdout and leaving with 1.
        status = _stop_writing() if type(sys.stdout).__name__ == "PacifyFlushWrapper" else stop.code
    except KeyboardInterrupt:
        status = _CANCELLED
    except Exception as error:
        message, status = _explain(error)
        if status == 1 and os.environ.get("OVITON_TRACEBACK"):
            raise
        if message:
            _fail(message, status)
    if status == _CANCELLED:
        _fail("cancelled", status)
    sys.exit(status)


def _explain(error: Exception) -> tuple[str, int]:
    """Return the line that an error deserves, and the exit status."""
    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, GateError):
        return str(error), 1
    if isinstance(error, typer.Abort) or _was_interrupted(error):
        return "", _CANCELLED
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}", 2 if error.errno in _USER_ERRNO else 1
    if hasattr(error, "format_message"):  # a usage error: an unknown option, a missing argument
        text = error.format_message()
        return (f"{text} Try 'oviton --help'." if text else ""), 2  # without any arguments, the help was printed
    return f"{type(error).__name__}: {error} (set OVITON_TRACEBACK=1 to see where)", 1


def _stop_writing() -> int:
    """Whoever read the output has seen enough: drop the rest, and call it done."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind an error; torch.export wraps it in one of its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        _out.print(__version__)
        raise typer.Exit


@app.command("try-on")
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
    from .data.files import atomic_path
    from .data.images import check_output_suffix, write_image
    from .runtime.outfit import plan_outfit
    from .runtime.person import Garment, Person, parse_wear
    from .runtime.try_on import TryOn

    check_output_suffix(output)
    if labels_out is not None:
        check_output_suffix(labels_out, lossless=True)
    pairs = [parse_wear(text) for text in wear or []]
    outputs = [path for path in (output, labels_out, report) if path is not None]
    bundles = [bundle] if bundle is not None else []
    _check_outputs(outputs, inputs=[person, *(folder for _, folder in pairs), *bundles])
    removed = [name for text in remove or [] for name in text.split(",")]
    with _status("reading photographs") as say:
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
        _out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    used = look.report.engine
    _out.print(
        f"{escape(str(output))}: {look.image.shape[1]}x{look.image.shape[0]}, {used.name} {used.precision} on "
        f"{used.device}, {look.report.total_ms:.0f} ms",
        soft_wrap=True,
    )


@app.command()
def export(
    checkpoint: Annotated[
        Path | None, typer.Argument(help="Checkpoint folder: shape.safetensors, appearance.safetensors.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle folder to write.")] = Path("bundle"),
    untrained: Annotated[
        str | None, typer.Option(metavar="PRESET", help="Export seeded, untrained networks of a preset instead.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of untrained networks; 0 by default.")
    ] = None,
    conditioning: Annotated[
        str | None, typer.Option(help="Conditioning of untrained networks: codes (the default) or surface.")
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="Folder of person folders that gates run on; by default the shipped bundle's samples."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The bundle's name; by default the preset's.")] = None,
) -> None:
    """Export a checkpoint as a bundle: PyTorch programs, ONNX in FP32 and FP16, one set of weights, parity gates."""
    from .data.optional import require

    require("torch", extra="train", purpose="export")
    from .export.exporter import export_bundle
    from .networks.checkpoint import load_checkpoint, untrained_networks
    from .networks.config import preset

    if (checkpoint is None) == (untrained is None):
        raise InputError("export needs a checkpoint folder or --untrained PRESET, one of them")
    if checkpoint is not None and (seed is not None or conditioning is not None):
        raise InputError(f"--seed and --conditioning go with --untrained; {checkpoint} brings its own")
    if conditioning not in (None, "codes", "surface"):
        raise InputError(f"--conditioning {conditioning!r}: allowed: codes, surface")
    folders = _sample_folders(samples)
    if checkpoint is not None:
        networks = load_checkpoint(checkpoint)
    else:
        config = preset(untrained or "").with_conditioning(conditioning or "codes")  # type: ignore[arg-type]
        networks = untrained_networks(config, seed or 0)
    with _steps() as on_progress:
        manifest = export_bundle(networks, output, folders, name=name, on_progress=on_progress)
    _out.print(_parity_table(manifest.parity))
    size = sum(entry.size for entry in manifest.files.values()) / 1e6
    if not manifest.is_trained:
        _out.print("[yellow]note:[/] these weights are untrained; the manifest says so")
    _out.print(
        f"{escape(str(output))}: {manifest.preset} {manifest.height}x{manifest.width}, {size:.1f} MB, "
        f"{manifest.cost.seconds:.0f} s, peak memory {manifest.cost.peak_memory_mb / 1000:.1f} GB",
        soft_wrap=True,
    )


@app.command("compile")
def compile_(
    bundle: BundleArgument = None,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
) -> None:
    """Compile a bundle for an engine on this machine and keep the plans, so that later starts are quick."""
    from .engines.engine_set import EngineSet
    from .engines.plan_cache import PlanCache
    from .export.bundle import Bundle

    cache = PlanCache()
    opened = Bundle.open(bundle)
    with _status("compiling") as say, EngineSet.load(opened, engine, precision, cache=cache, on_progress=say) as loaded:
        table = Table(
            "graph", "engine", "precision", "plan", "seconds", "from", title=f"Bundle {escape(opened.manifest.name)}"
        )
        for name, compiled in loaded.engines.items():
            plan = getattr(compiled, "plan", None)
            size, seconds, origin = "–", "–", "made at load, not kept"
            if plan is not None:
                size, seconds = f"{plan.size / 1e6:.2f} MB", f"{plan.seconds:.2f}"
                origin = "cache" if plan.hit else "built" + _stale_text(plan.stale)
            table.add_row(name, loaded.chosen.candidate.label, loaded.precision, size, seconds, origin)
        _out.print(table)
        if loaded.gate:
            _out.print(_parity_table(loaded.gate))
        for note in loaded.notes:
            _out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    _out.print(f"plans: {escape(str(cache.root))}", soft_wrap=True)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say which engines this machine can run, and why not the others."""
    from .engines.plan_cache import default_cache_folder, processor
    from .engines.registry import survey

    found = survey()
    device, capability = processor()
    first = next((a for a in found if a.reason is None), None)
    if as_json:
        values: dict[str, Any] = {
            "oviton": __version__,
            "processor": device,
            "capability": capability,
            "cache": str(default_cache_folder()),
            "auto": first.candidate.label if first else None,
            "engines": [
                {
                    "engine": a.candidate.engine,
                    "device": a.candidate.device,
                    "version": a.version,
                    "runs": a.reason is None,
                    "reason": a.reason,
                    "precisions": a.precisions,
                }
                for a in found
            ],
        }
        print(json.dumps(values, indent=1))
        return
    table = Table("engine", "device", "version", "runs here", "precisions or reason", title=f"oviton {__version__}")
    for a in found:
        mark = "[green]yes[/]" if a.reason is None else "[red]no[/]"
        text = ", ".join(a.precisions) if a.reason is None else a.reason
        table.add_row(a.candidate.engine, a.candidate.device, a.version or "–", mark, escape(text))
    _out.print(table)
    _out.print(f"processor: {device} ({capability})", soft_wrap=True)
    _out.print(f"plans: {escape(str(default_cache_folder()))}", soft_wrap=True)
    _out.print(f"bundle: {_bundle_line()}", soft_wrap=True)
    _out.print(f"engine=auto takes: {first.candidate.label if first else 'none'}")


def _bundle_line() -> str:
    from .export.bundle import Bundle

    try:
        manifest = Bundle.open().manifest
    except InputError as error:
        return escape(str(error))
    state = "trained" if manifest.is_trained else "untrained"
    return f"{manifest.name}, {manifest.height}x{manifest.width}, {state}, verified"


def _parity_table(rows: Any) -> Table:
    table = Table("graph", "form", "against", "metric", "worst", "demanded", title="Parity, worst over batch sizes")
    worst: dict[tuple[str, str, str, str], Any] = {}
    for row in rows:
        key = (row.graph, row.form, row.reference, row.metric)
        old = worst.get(key)
        if old is None or (row.value > old.value) == row.lower_is_better:
            worst[key] = row
    for key, row in worst.items():
        bound = "≤" if row.lower_is_better else "≥"
        table.add_row(*key, f"{row.value:.4g}", f"{bound} {row.limit:g}")
    return table


def _stale_text(stale: dict[str, tuple[str, str]]) -> str:
    short = {name: (old[:24], new[:24]) for name, (old, new) in stale.items()}
    return "".join(f"\n{name}: {escape(old)} → {escape(new)}" for name, (old, new) in short.items())


def _sample_folders(samples: Path | None) -> list[Path]:
    if samples is None:
        from .export.bundle import SHIPPED_BUNDLES, Bundle

        if not SHIPPED_BUNDLES.is_dir():
            raise InputError("no shipped bundle to take sample people from; give --samples FOLDER")
        return list(Bundle.open().sample_folders)
    if not samples.is_dir():
        raise InputError(f"--samples {samples}: no such folder; it holds one folder a person")
    return sorted(folder for folder in samples.iterdir() if folder.is_dir())


def _check_outputs(outputs: list[Path], inputs: list[Path]) -> None:
    """Refuse outputs that cannot be written, meet each other, or would lie among the inputs."""
    targets = [check_target(path) for path in outputs]
    folders = {Path(os.path.realpath(folder)): folder for folder in inputs}
    for path, target in zip(outputs, targets, strict=True):
        if targets.count(target) > 1:
            raise InputError(f"{path} is named for two outputs; give each its own file")
        inside = next((folders[parent] for parent in target.parents if parent in folders), None)
        if inside is not None:
            raise InputError(f"{path} lies in the input folder {inside}; write somewhere else")


@contextmanager
def _status(text: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on a terminal; its text can be changed. Nothing elsewhere."""
    if not _err.is_terminal:
        yield lambda _: None
        return
    with _err.status(text) as status:
        yield status.update


@contextmanager
def _steps() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on a terminal, and lines elsewhere."""
    if not _err.is_terminal:
        yield lambda what, done, total: _err.print(f"[{done + 1}/{total}] {what}", markup=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


def _fail(message: str, status: int) -> None:
    line = message.replace("\n", " ")
    _err.print(f"oviton: {line}", style="red" if _err.is_terminal else None, markup=False, soft_wrap=True)
    sys.exit(status)
