"""A served bundle: latency and throughput by clients, with and without shared memory, batching and the cache."""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ...bundle.bundle import Bundle
from ...data.errors import InputError
from ...data.optional import install_command, is_installed
from ...evaluation.intervals import median
from ..bench import Bench
from ..report import Row, fitted_line
from .try_on import GARMENTS

CLIENTS = (1, 2, 4, 8)
VARIANTS: dict[str, tuple[str, bool, bool]] = {
    "plain": ("off", True, False),
    "shared memory": ("system", True, False),
    "no batching": ("off", False, False),
    "response cache": ("off", True, True),
}
"""By name: the client's shared memory, whether requests are batched, and whether equal ones come from a cache."""


def run(bench: Bench) -> None:
    """Serve the first bundle in every variant, all at once, and let client counts and variants take turns."""
    if not (is_installed("tritonclient") and is_installed("pytriton")):
        bench.skipped["server"] = f"no Triton here; run: {install_command('nvidia-pytriton', 'serve')}"
        return
    try:
        _serve(bench, bench.bundles[0])
    except InputError as error:  # Triton cannot run here, or not with this engine
        bench.skipped["server"] = str(error)


def _serve(bench: Bench, bundle: Bundle) -> None:
    engine, precision = _engine(bench, bundle)
    counts = CLIENTS[::3] if bench.options.quick else CLIENTS
    variants = ["plain"] if bench.options.quick else list(VARIANTS)
    seconds = 2.0 if bench.options.quick else 6.0
    cases = [(name, count) for name in variants for count in counts]
    found: dict[tuple[str, int], list[tuple[list[float], float]]] = {case: [] for case in cases}
    order = random.Random(bench.options.seed)
    arrays = bench.arrays(bundle, 1, GARMENTS)
    with tempfile.TemporaryDirectory() as folder:
        if "no batching" in variants and not _batches(bundle, Path(folder) / "probe", engine, precision):
            variants.remove("no batching")
            bench.skipped["server without batching"] = (
                f"{engine} runs in Triton's Python backend, where every request runs by itself anyway"
            )
            found = {case: rounds for case, rounds in found.items() if case[0] in variants}
        # One server at a time, since idle ones would still hold their threads and memory.
        for name in order.sample(variants, len(variants)):
            memory, batching, cache = VARIANTS[name]
            bench.say(f"server: {name}")
            with _Served(bundle, Path(folder) / name.replace(" ", "-"), engine, precision, batching, cache) as served:
                _load(served.address, memory, arrays, 1, 1.0)  # warms up
                for _ in range(1 if bench.options.quick else 3):
                    for count in order.sample(counts, len(counts)):
                        found[name, count].append(_load(served.address, memory, arrays, count, seconds))
    for (name, count), rounds in found.items():
        bench.rows.append(_row(bench.name(bundle), engine, precision, name, count, rounds))
    waits = {count: [float(np.median(each)) for each, _ in found["plain", count]] for count in counts}
    bench.slopes.append(fitted_line(bench.name(bundle), "clients", waits, base=1))


class _Served:
    """A running server of a bundle."""

    def __init__(self, bundle: Bundle, folder: Path, engine: str, precision: str, batching: bool, cache: bool) -> None:
        from ...triton_models.server import ServerOptions, TritonServer

        _build(bundle, folder, engine, precision, cache)
        if not batching:
            _forbid_batching(folder)
        self._server: Any = TritonServer.start(folder, ServerOptions(grpc_port=0, metrics_port=0, shared_memory=True))

    def __enter__(self) -> _Served:
        self.address: str = self._server.__enter__().grpc_address
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)


def _build(bundle: Bundle, folder: Path, engine: str, precision: str, cache: bool) -> None:
    from ...triton_models.options import RepositoryOptions
    from ...triton_models.repository import build_repository

    options = RepositoryOptions(
        engine=engine, precision=precision, refinement=False, response_cache=cache, embed_bundle=False
    )
    build_repository(bundle, folder, options)


def _batches(bundle: Bundle, folder: Path, engine: str, precision: str) -> bool:
    """Whether Triton batches requests of such a repository at all."""
    _build(bundle, folder, engine, precision, cache=False)
    return _forbid_batching(folder) > 0


def _forbid_batching(folder: Path) -> int:
    """Take the dynamic batcher out of every model's configuration, and return how many had one."""
    from google.protobuf import text_format
    from tritonclient.grpc import model_config_pb2

    changed = 0
    for path in folder.rglob("config.pbtxt"):
        config = text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
        if config.dynamic_batching.max_queue_delay_microseconds:  # without, it only limits a queue
            config.ClearField("dynamic_batching")
            path.write_text(text_format.MessageToString(config), encoding="utf-8")
            changed += 1
    return changed


def _load(address: str, memory: str, arrays: dict[str, Any], clients: int, seconds: float) -> tuple[list[float], float]:
    """Let clients send one request after the other; return every latency, and the requests a second."""
    from ...triton_models.client import ClientOptions, TryOnClient

    start = threading.Barrier(clients)

    def client(_: int) -> tuple[list[float], float, float]:
        latencies: list[float] = []
        with TryOnClient(address, ClientOptions(shared_memory=memory)) as connection:  # type: ignore[arg-type]
            connection.run(arrays)
            start.wait()
            began = time.perf_counter()
            while time.perf_counter() - began < seconds or not latencies:
                sent = time.perf_counter()
                connection.run(arrays)
                latencies.append(time.perf_counter() - sent)
            return latencies, began, time.perf_counter()

    with ThreadPoolExecutor(clients) as pool:
        done = list(pool.map(client, range(clients)))
    latencies = [latency for each, _, _ in done for latency in each]
    span = max(end for _, _, end in done) - min(began for _, began, _ in done)
    return latencies, len(latencies) / span


def _engine(bench: Bench, bundle: Bundle) -> tuple[str, str]:
    engines = bench.default(bundle).engines
    return engines.chosen.candidate.engine, engines.precision


def _row(
    bundle: str, engine: str, precision: str, variant: str, clients: int, rounds: list[tuple[list[float], float]]
) -> Row:
    latencies = [latency * 1000 for each, _ in rounds for latency in each]
    throughput = [rate for _, rate in rounds]
    return Row(
        suite="server",
        group="server",
        what="request",
        bundle=bundle,
        engine=engine,
        precision=precision,
        garments=GARMENTS,
        clients=clients,
        variant=variant,
        ms=median(latencies),
        rounds=len(latencies),
        stable=median(latencies).spread <= 0.05,
        numbers={
            "p50_ms": float(np.quantile(latencies, 0.5)),
            "p95_ms": float(np.quantile(latencies, 0.95)),
            "p99_ms": float(np.quantile(latencies, 0.99)),
            "requests_per_second": median(throughput).value,
            "cores": float(len(os.sched_getaffinity(0))),
        },
    )
