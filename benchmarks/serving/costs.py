"""What serving costs: the ensemble against the bare engines, one client and eight, and the start of `oviton serve`.

Bare and served take turns in one run, because machines are shared and only ratios hold.

    python -m oviton.benchmarks.serving.costs                # all three parts
    python -m oviton.benchmarks.serving.costs latency throughput
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ... import Bundle, ClientOptions, TryOn, TryOnClient
from ...triton_models.options import RepositoryOptions
from ...triton_models.repository import build_repository
from ...triton_models.server import ServerOptions, TritonServer
from ..machine import RESULTS, write
from .requests import Arrays, single_request

PARTS = ("latency", "throughput", "start")
CLIENTS = 8
BATCHES = (1, 2, 4, 8)
THREADS = (1, 2, 4)
TURNS = 12


def main() -> None:
    """Measure and write ``results/serving-BUNDLE.json``; parts that are not measured stay as they were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--bundle", type=Path, default=None, help="by default the shipped one")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn of the throughput")
    options = parser.parse_args()
    bundle = Bundle.open(options.bundle)
    name = f"serving-{bundle.manifest.name}"
    old = RESULTS / f"{name}.json"
    results: dict[str, Any] = json.loads(old.read_text())["results"] if old.exists() else {}
    if "start" in options.parts:
        results["start"] = cold_starts(options.bundle)
    if {"latency", "throughput"} & set(options.parts):
        with ExitStack() as held:
            local = held.enter_context(TryOn.load(options.bundle, options.engine))
            used = local.engines
            results["engine"] = f"{used.chosen.candidate.engine} {used.precision}"
            arrays = single_request(local)
            server = held.enter_context(serving(local))
            if "latency" in options.parts:
                results["latency"] = latency(local, server.grpc_address, arrays, options.rounds)
            if "throughput" in options.parts:
                results["throughput"] = throughput(local, server.grpc_address, arrays, options.seconds)
    print(json.dumps(results, indent=1))
    print(write(name, results))


def latency(local: TryOn, address: str, arrays: Arrays, rounds: int) -> dict[str, Any]:
    """Return milliseconds of one request with one garment, arrays in, arrays out, one client."""
    with (
        TryOnClient(address, ClientOptions(shared_memory="system")) as shared,
        TryOnClient(address, ClientOptions(shared_memory="off")) as plain,
    ):
        ways: dict[str, Callable[[], Any]] = {
            "bare": lambda: local.engines.run(arrays),
            "served_shared_memory": lambda: shared.run(arrays),
            "served_messages": lambda: plain.run(arrays),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(rounds + 5):
            for way, run in ways.items():
                begun = time.perf_counter()
                run()
                if turn >= 5:  # the first rounds warm up
                    times[way].append((time.perf_counter() - begun) * 1000)
    found: dict[str, Any] = {}
    for way, values in times.items():
        p50, p90, p99 = (round(float(np.percentile(values, share)), 2) for share in (50, 90, 99))
        found[way] = {"p50": p50, "p90": p90, "p99": p99}
    for way in ("served_shared_memory", "served_messages"):
        # Of pairs that ran right after each other, so that what else the machine does falls out.
        extra = statistics.median(a - b for a, b in zip(times[way], times["bare"], strict=True))
        found[way]["overhead_ms"] = round(extra, 2)
        found[way]["overhead_share"] = round(extra / found["bare"]["p50"], 4)
    return {"rounds": rounds, "ms": found, "allowed_ms": round(max(3.0, 0.1 * found["bare"]["p50"]), 2)}


@contextmanager
def serving(local: TryOn, **options: Any) -> Iterator[TritonServer]:
    """Serve a try-on's bundle on its engine, with more options of the repository."""
    used = local.engines
    engine = used.chosen.candidate.engine
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "repository"
        wanted = RepositoryOptions(
            engine=engine, precision=used.precision, python=engine == "onnxruntime", refinement=False, **options
        )
        build_repository(used.bundle, folder, wanted)
        with TritonServer.start(folder, ServerOptions(grpc_port=0, metrics_port=0, shared_memory=True)) as server:
            yield server


def throughput(local: TryOn, address: str, arrays: Arrays, seconds: float) -> dict[str, Any]:
    """Return requests a second of the bare engines at their best, and of eight clients that send single requests.

    Served as by default, where one request has all cores, and with an instance of one thread for every core.
    """

    def batched(size: int) -> Arrays:
        return {name: array.repeat(size, axis=0) for name, array in arrays.items()}

    candidates = [(batch, threads) for batch in BATCHES for threads in THREADS]
    trial = {}
    for batch, threads in candidates:
        inputs = batched(batch)
        trial[batch, threads] = batch * calls_per_second([partial(local.engines.run, inputs)] * threads, seconds / 2)
    best = max(trial, key=lambda way: trial[way])
    cores = os.cpu_count() or 1
    used = local.engines
    with ExitStack() as held:
        server = held.enter_context(serving(local, instances=cores, threads=1))
        load = partial(TryOn.load, used.bundle.path, used.chosen.candidate.engine, used.precision, threads=1)
        lone = [held.enter_context(load()) for _ in range(cores)]

        def eight(target: str) -> list[Callable[[], Any]]:
            return [partial(held.enter_context(TryOnClient(target)).run, arrays) for _ in range(CLIENTS)]

        ways: dict[str, tuple[int, list[Callable[[], Any]]]] = {
            "bare": (best[0], [partial(used.run, batched(best[0]))] * best[1]),
            "bare_one_thread_each": (1, [partial(each.engines.run, arrays) for each in lone]),
            "served": (1, eight(address)),
            "served_one_thread_each": (1, eight(server.grpc_address)),
        }
        for _, calls in ways.values():
            calls_per_second(calls, 1)
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(TURNS):
            for way, (batch, calls) in ways.items():
                rates[way].append(batch * calls_per_second(calls, seconds))

    def ratio(way: str, bare: str) -> dict[str, Any]:
        found = [a / b for a, b in zip(rates[way], rates[bare], strict=True)]
        return {"ratio": round(statistics.median(found), 4), "ratios": [round(each, 3) for each in found]}

    return {
        "clients": CLIENTS,
        "bare_best": {"batch": best[0], "threads": best[1]},
        "bare_trials_per_second": {f"batch {b}, threads {t}": round(rate, 2) for (b, t), rate in trial.items()},
        "per_second": {way: round(statistics.median(found), 2) for way, found in rates.items()},
        "served": ratio("served", "bare"),
        "served_one_thread_each": ratio("served_one_thread_each", "bare"),
        "served_of_bare_one_thread_each": ratio("served_one_thread_each", "bare_one_thread_each"),
    }


def cold_starts(bundle: Path | None) -> dict[str, Any]:
    """Return seconds from the command to readiness of `oviton serve`: without and with compiled plans in the cache."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as cache:
        for name in ("empty_cache", "warm_cache", "warm_cache_again"):
            command = [sys.executable, "-m", "oviton", "serve", *([str(bundle)] if bundle else [])]
            command += ["--grpc-port", "0", "--metrics-port", "0"]
            begun = time.perf_counter()
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OVITON_CACHE": cache}
            ) as process:
                assert process.stdout is not None
                line = next((line for line in process.stdout if line.startswith("ready:")), "")
                seconds = time.perf_counter() - begun
                process.send_signal(signal.SIGINT)
                process.wait(60)
            if not line:
                raise SystemExit("oviton serve did not become ready")
            found[name] = round(seconds, 2)
    return found


def calls_per_second(calls: Sequence[Callable[[], Any]], seconds: float) -> float:
    """Return calls a second, each of `calls` repeated in a thread of its own, once all are under way.

    A call that is cut by an end of the window counts by the share of it that lies inside. Whole calls would favour
    small ones: a window holds only a few batches of eight, and clients that wait together end together.
    """
    spans: list[list[tuple[float, float]]] = [[] for _ in calls]
    begun = time.perf_counter() + seconds / 4
    end = begun + seconds

    def repeat(index: int) -> None:
        while (start := time.perf_counter()) < end:
            calls[index]()
            spans[index].append((start, time.perf_counter()))

    threads = [threading.Thread(target=repeat, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(share_inside(span, begun, end) for own in spans for span in own) / seconds


def share_inside(span: tuple[float, float], begun: float, end: float) -> float:
    """Return which share of a span of time lies between two moments, 0 to 1."""
    start, stop = span
    return max(0.0, min(stop, end) - max(start, begun)) / max(stop - start, 1e-9)


if __name__ == "__main__":
    main()
