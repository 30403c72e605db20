"""What all commands share: where they print, how they show progress, and the options they have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ..data.errors import InputError
from ..data.files import check_folder_target, check_target, check_writable

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Bundle folder; by default the shipped one.", show_default=False)
]
BundleArgument = Annotated[
    Path | None, typer.Argument(help="Bundle folder; by default the shipped one.", show_default=False)
]
EngineOption = Annotated[
    str, typer.Option("--engine", help="auto: the best that runs here; or a name that oviton doctor lists.")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="auto: the fastest that passes its gate here; or fp32, bf16, fp16, int8.")
]
WhoOption = Annotated[
    str,
    typer.Option(
        "--person", metavar="WHO", help="Of several people in a photograph: largest, left, right, or X,Y on one."
    ),
]


def parity_table(rows: Any) -> Table:
    """Return a table of parity checks, the worst of each over batch sizes."""
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


def check_outputs(
    outputs: list[Path], inputs: list[Path], folders: Mapping[Path, Callable[[Path], bool]] | None = None
) -> None:
    """Refuse outputs that cannot be written, meet each other, or would lie among the inputs.

    Parameters
    ----------
    outputs
        The files to write.
    inputs
        What is read.
    folders
        The folders to write as a whole, each with what tells whether an existing one may be replaced.

    Raises
    ------
    InputError
        When an output is refused.
    """
    folders = folders or {}
    targets = [(path, check_target(path)) for path in outputs]
    targets += [(path, check_folder_target(path, is_ours=is_ours)) for path, is_ours in folders.items()]
    read = {Path(os.path.realpath(path)): path for path in inputs}
    _check_apart(targets, read)
    for folder, target in targets[len(outputs) :]:
        lost = next((read[source] for source in read if target in source.parents), None)
        if lost is not None:
            raise InputError(f"{folder} is written as a whole, but the input {lost} lies in it; name another folder")
    for path, target in targets:
        check_writable(path, target)


def _check_apart(targets: list[tuple[Path, Path]], read: Mapping[Path, Path]) -> None:
    """Refuse outputs that meet an input or each other; each comes as it was named, and with links followed."""
    written: dict[Path, Path] = {}
    for path, target in targets:
        if target in written:
            raise InputError(f"{path} is named for two outputs; give each its own name")
        written[target] = path
    for path, target in targets:
        if target in read:
            raise InputError(f"{path} is read too, so it is not written; write somewhere else")
        for parent in target.parents:
            if parent in read:
                raise InputError(f"{path} lies in the input folder {read[parent]}; write somewhere else")
            if parent in written:
                raise InputError(f"{path} lies in the output {written[parent]}; write it beside that, not into it")


@contextmanager
def status(text: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on a terminal; its text can be changed. Nothing elsewhere."""
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status(text) as status:
        yield status.update


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on a terminal, and lines elsewhere."""
    if not err.is_terminal:
        yield lambda what, done, total: err.print(f"[{done + 1}/{total}] {what}", markup=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


@contextmanager
def bar(total: int) -> Iterator[Callable[[str, str, float], None]]:
    """Show one progress bar over `total` items on a terminal, and a line when an item begins elsewhere.

    The yielded function is called with the item, what is under way, and the share of the item that is done.
    """
    seen: list[str] = []

    def begin(item: str) -> None:
        if item not in seen:
            seen.append(item)
            if not err.is_terminal:
                err.print(f"[{len(seen)}/{total}] {item}", markup=False)

    if not err.is_terminal:
        yield lambda item, what, share: begin(item)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("starting", total=total)

        def tell(item: str, what: str, share: float) -> None:
            begin(item)
            text = f"{item}: {what[:40].lower()}"
            progress.update(task, description=f"{text:<64}", completed=len(seen) - 1 + share)

        yield tell


@contextmanager
def counter() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar with counts and the time left on a terminal, and a line at every tenth elsewhere."""
    if not err.is_terminal:

        def line(what: str, done: int, total: int) -> None:
            if done * 10 // total != (done - 1) * 10 // total:
                err.print(f"[{done}/{total}] {what}", markup=False)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


def fail(message: str, status: int) -> NoReturn:
    """Print one line and leave."""
    line = message.replace("\n", " ")
    err.print(f"oviton: {line}", style="red" if err.is_terminal else None, markup=False, soft_wrap=True)
    sys.exit(status)
