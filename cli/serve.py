"""`oviton serve`."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..data.errors import InputError
from .console import BundleArgument, PrecisionOption, err, out, status
from .repository import (
    CodesOption,
    InstancesOption,
    OutfitsOption,
    PrepareOption,
    QueueOption,
    RefinementOption,
    ServeEngineOption,
    ThreadsOption,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..triton_models.installation import Installation
    from ..triton_models.options import RepositoryOptions
    from ..triton_models.repository import Repository
    from ..triton_models.server import ServerOptions, TritonServer

LEVELS = {"error": "EF", "warning": "WEF", "info": "IWEF"}
STATUS_SECONDS = 2.0
_NO_GPU = (
    "CUDA driver version is insufficient",
    "CudaDriverHelper has not been initialized",
    "no pinned memory pool",
    "DCGM unable to start",
)
"""What Triton warns of at every start on a machine without a GPU; ``--log info`` shows it."""


def serve(
    bundle: BundleArgument = None,
    engine: ServeEngineOption = "auto",
    precision: PrecisionOption = "auto",
    grpc_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8001,
    http_port: Annotated[
        int | None, typer.Option(help="Listen for HTTP too; off by default, since one HTTP request can end Triton.")
    ] = None,
    metrics_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8002,
    bind: Annotated[str, typer.Option(help="Address for gRPC; 0.0.0.0 for every one.")] = "127.0.0.1",
    http_bind: Annotated[str, typer.Option(help="Address for HTTP.")] = "127.0.0.1",
    metrics_bind: Annotated[str, typer.Option(help="Address for metrics.")] = "127.0.0.1",
    tls_cert: Annotated[Path | None, typer.Option(help="Server certificate (PEM): gRPC over TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Let in only clients with a certificate of this authority (PEM).")
    ] = None,
    repository: Annotated[
        Path | None, typer.Option(help="Serve this repository instead of building one; BUNDLE is then not given.")
    ] = None,
    refinement: RefinementOption = None,
    queue: QueueOption = 4,
    outfits_mb: OutfitsOption = 512,
    instances: InstancesOption = 1,
    threads: ThreadsOption = None,
    codes: CodesOption = False,
    prepare: PrepareOption = False,
    shared_memory: Annotated[
        bool,
        typer.Option("--shared-memory", help="Let clients on this machine share memory; they can read each other's."),
    ] = False,
    cache_mb: Annotated[int, typer.Option(help="Megabytes of Triton's response cache; 0 for none.")] = 0,
    log: Annotated[str, typer.Option(help="Show Triton's log from this level on: error, warning or info.")] = "warning",
    print_command: Annotated[
        bool, typer.Option("--print-command", help="Print the commands for NVIDIA's container, and stop.")
    ] = False,
) -> None:
    """Serve a bundle with Triton on this machine, until Ctrl-C."""
    from ..triton_models.options import RepositoryOptions
    from ..triton_models.server import ServerOptions

    if log not in LEVELS:
        raise InputError(f"--log {log!r}; allowed: {', '.join(LEVELS)}")
    if repository is not None and bundle is not None:
        raise InputError("--repository serves what is in it; leave BUNDLE away")
    server_options = ServerOptions(
        grpc_port=grpc_port, http_port=http_port, metrics_port=metrics_port, bind=bind, http_bind=http_bind,
        metrics_bind=metrics_bind, certificate=tls_cert, key=tls_key, client_ca=tls_client_ca, cache_mb=cache_mb,
        shared_memory=shared_memory,
    )  # fmt: skip
    options = RepositoryOptions(
        engine=engine, precision=precision, refinement=refinement, queue=queue, outfits_mb=outfits_mb,
        instances=instances, threads=threads, codes=codes, prepare=prepare, response_cache=cache_mb > 0,
        embed_bundle=False,
    )  # fmt: skip
    if print_command:
        from ..triton_models.container import container_commands

        for line in container_commands(bundle, repository, options, server_options):
            out.print(line, markup=False, soft_wrap=True)
        return
    for warning in server_options.warnings:
        err.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
    _serve(bundle, repository, options, server_options, LEVELS[log])


def _serve(
    bundle: Path | None, given: Path | None, options: RepositoryOptions, server_options: ServerOptions, levels: str
) -> None:
    from ..triton_models.installation import find_triton
    from ..triton_models.served_path import check_served_path
    from ..triton_models.supervisor import Supervisor

    started = time.monotonic()
    if given is not None:
        check_served_path(given)
    server_options = server_options.with_ports()  # what is in use is told before anything is built
    with ExitStack() as held, status("finding Triton") as say:
        installation = find_triton()
        options = _fit_installation(options, installation)
        folder = given
        if folder is None:
            say("building the repository")
            check_served_path(Path(tempfile.gettempdir()), "set TMPDIR to a folder")
            root = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="oviton-serve-")))
            built = _build(bundle, root / "repository", options)
            folder = built.folder
            for note in built.notes:
                err.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
        elif not folder.is_dir():
            raise InputError(f"{folder}: no such folder; oviton repository writes one")
        say("starting Triton")
        supervisor = held.enter_context(
            Supervisor(
                folder, server_options, on_log=_log_printer(levels), on_event=_print_event, installation=installation
            )
        )
        say("")
        seconds = time.monotonic() - started
        server = supervisor.server
        http = f"http {server.http_address}, " if server.http_address else ""
        out.print(
            f"ready: grpc {server.grpc_address}, {http}metrics {server.metrics_address}; {installation.origin}, "
            f"started in {seconds:.1f} s",
            soft_wrap=True,
        )
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: supervisor.stop())
        line = _StatusLine(say)
        supervisor.run(lambda: line.update(supervisor.server, supervisor.restarts))
        say("stopping Triton")
        supervisor.close()
    out.print("stopped")


def _build(bundle: Path | None, folder: Path, options: RepositoryOptions) -> Repository:
    """Build in a process of its own: an engine that was loaded to be gated gives its memory back only at exit."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_build_here, bundle, folder, options).result()


def _build_here(bundle: Path | None, folder: Path, options: RepositoryOptions) -> Repository:
    from ..bundle.bundle import Bundle
    from ..triton_models.repository import build_repository

    return build_repository(Bundle.open(bundle), folder, options)


def _fit_installation(options: RepositoryOptions, installation: Installation) -> RepositoryOptions:
    """Take the Python backend where Triton lacks the engine's own.

    Raises
    ------
    InputError
        When the Python backend cannot stand in for it.
    """
    if not options.is_native or options.engine in installation.backend_names:
        return options
    has = ", ".join(installation.backend_names)
    if options.engine == "onnxruntime":
        err.print(f"[yellow]note:[/] {installation.origin} has backends {has}; onnxruntime runs in its Python backend")
        return replace(options, python=True)
    raise InputError(
        f"{installation.origin} has no backend {options.engine} (it has {has}); serve in NVIDIA's container: "
        "oviton serve --engine tensorrt --print-command"
    )


def _log_printer(levels: str) -> Callable[[str], None]:
    lock = threading.Lock()

    def show(line: str) -> None:
        # A line that does not start like Triton's own is what a model process printed.
        level = line[0] if line[1:5].isdigit() else "I"
        if level in levels and not (levels != LEVELS["info"] and any(part in line for part in _NO_GPU)):
            with lock:
                err.print(f"triton: {line}", markup=False, soft_wrap=True)

    return show


def _print_event(text: str) -> None:
    err.print(f"[yellow]{time.strftime('%H:%M:%S')}[/] {escape(text)}", soft_wrap=True)


class _StatusLine:
    """Requests and rate in the terminal's last line; nothing elsewhere."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._next = say, 0.0
        self._seen: tuple[float, float] | None = None

    def update(self, server: TritonServer, restarts: int) -> None:
        now = time.monotonic()
        if not err.is_terminal or now < self._next:
            return
        self._next = now + STATUS_SECONDS
        try:
            done = sum(_counts(server.metrics()))
        except OSError:
            return
        rate = 0.0 if self._seen is None else (done - self._seen[1]) / (now - self._seen[0])
        self._seen = (now, done)
        again = f", {restarts} restarts" if restarts else ""
        self._say(f"serving on {server.grpc_address}: {done:.0f} requests, {max(rate, 0):.1f}/s{again}; Ctrl-C stops")


def _counts(metrics: str) -> list[float]:
    """Return how many requests each model that clients call has answered."""
    found = []
    for line in metrics.splitlines():
        if line.startswith("nv_inference_request_success{") and 'model="try_on' in line:
            found.append(float(line.rsplit(" ", 1)[1]))
    return found
