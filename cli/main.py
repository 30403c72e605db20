"""The command line. Every command checks its input first, writes files whole or not at all, and says what it wrote."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import Annotated

import typer

from .. import __version__
from . import study, train
from .bench import bench
from .bundle import bundle
from .compile_bundle import compile_bundle
from .console import fail, out
from .doctor import doctor
from .evaluate import evaluate
from .explain import CANCELLED, explain
from .export import export
from .import_maps import import_maps
from .prepare import prepare
from .render import render
from .repository import repository
from .serve import serve
from .try_on import try_on

app = typer.Typer(
    name="oviton",
    help="Virtual try-on: dress a photographed person in garments photographed on other people.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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
        status = CANCELLED
    except Exception as error:
        message, status = explain(error)
        if status == 1 and os.environ.get("OVITON_TRACEBACK"):
            raise
        if message:
            fail(message, status)
    if status == CANCELLED:
        fail("cancelled", status)
    sys.exit(status)


def _stop_writing() -> int:
    """Whoever read the output has seen enough: drop the rest, and call it done."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit


app.command("try-on")(try_on)
app.command("import")(import_maps)
app.command()(prepare)
app.command()(export)
app.command("compile")(compile_bundle)
app.command()(bundle)
app.command()(render)
app.add_typer(train.app, name="train")
app.command()(evaluate)
app.add_typer(study.app, name="study")
app.command()(repository)
app.command()(serve)
app.command()(bench)
app.command()(doctor)
