"""On an NVIDIA GPU: device time by CUDA events, arrays staying there, eager, compiled and replayed as a CUDA graph.

Clocks are logged, never set. Without a GPU the suite is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...bundle.bundle import Bundle
from ...data.optional import install_command, is_installed, require
from ..bench import Bench
from ..machine import gpus
from ..report import Ceiling, Floor, Row
from ..timing import Clock, Contender, Samples
from ..work import work_of
from .try_on import GARMENTS

SIDE = 8192
BATCHES = (1, 8)
Arrays = dict[str, Any]


def run(bench: Bench) -> None:
    """Measure every bundle, or say why not."""
    reason = missing()
    if reason is not None:
        bench.skipped["gpu"] = reason
        return
    for bundle in bench.bundles:
        for requests in BATCHES:
            _bundle(bench, bundle, requests)


def missing() -> str | None:
    """Return why nothing can be measured on a GPU here; None when it can."""
    if not is_installed("torch"):
        return f"PyTorch is not installed; run: {install_command('torch', 'refine')}"
    torch = require("torch", extra="refine", purpose="the gpu suite")
    if torch.version.cuda is None:
        return "this build of torch has no CUDA"
    return None if torch.cuda.is_available() else "torch finds no CUDA GPU or driver"


def event_clock() -> Clock:
    """Return a clock that counts device time between two events around the call."""
    torch = require("torch", extra="refine", purpose="the gpu suite")

    def clock(run: Callable[[], object]) -> float:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000

    return clock


def captured(run: Callable[[], Any]) -> Callable[[], None]:
    """Capture a call as a CUDA graph and return its replay; inputs and outputs keep their addresses."""
    torch = require("torch", extra="refine", purpose="the gpu suite")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):  # allocations and choices of algorithms happen before capture
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Relaxed: other threads of a server may use CUDA meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="relaxed"):
        kept = run()

    def replay() -> None:
        assert kept is not None  # the graph writes into it
        graph.replay()

    return replay


def _bundle(bench: Bench, bundle: Bundle, requests: int) -> None:
    torch = require("torch", extra="refine", purpose="the gpu suite")
    arrays = {name: torch.from_numpy(a).cuda() for name, a in bench.arrays(bundle, requests, GARMENTS).items()}
    runs: dict[str, Callable[[], Any]] = {}
    for dtype in ("fp32", "fp16"):
        eager = _eager(bundle, arrays, dtype)
        runs[f"torch eager {dtype}"] = eager
        for name, make in (("compiled", _compiled), ("graph replay", captured)):
            try:
                runs[f"torch {name} {dtype}"] = make(eager)
            except Exception as error:  # a compiler or capture fails in its own way, which is a result too
                bench.skipped[f"torch {name} {dtype} of {bench.name(bundle)}"] = f"{type(error).__name__}: {error}"
    for found in bench.available:
        if found.candidate.device == "cuda" and found.candidate.engine != "torch":
            for precision in found.precisions:
                tryon = bench.load(bundle, found.candidate.engine, precision)
                if tryon is not None:
                    runs[f"{found.candidate.engine} {precision}"] = partial(tryon.engines.run, arrays)
    a = torch.randn(SIDE, SIDE, device="cuda", dtype=torch.float16)
    source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    clock = event_clock()
    contenders = [Contender(name, _quiet(run), clock) for name, run in runs.items()]
    contenders += [Contender("product", _quiet(lambda: a @ a), clock)]
    contenders += [Contender("copy", _quiet(lambda: target.copy_(source)), clock)]
    before = gpus()
    samples = bench.turns(f"gpu, {bench.name(bundle)}, batch {requests}", contenders)
    _keep(bench, bundle, requests, {name: samples[name] for name in runs}, samples["product"], samples["copy"])
    bench.gpu_clocks.append({"before": before, "after": gpus()})


def _keep(
    bench: Bench, bundle: Bundle, requests: int, found: dict[str, Samples], product: Samples, copied: Samples
) -> None:
    rate = product.ms.inverse().scaled(SIDE**3 / 1e9 * 1000)
    traffic = copied.ms.inverse().scaled(2 * (1 << 30) / 1e9 * 1000)
    bench.ceilings += [
        Ceiling(name="matrix product", precision="fp16", by="torch (cuda)", value=rate, unit="GMAC/s"),
        Ceiling(name="copy", precision="", by="torch (cuda)", value=traffic, unit="GB/s"),
    ]
    reference = found["torch eager fp32"]
    for name, samples in found.items():
        engine, _, precision = name.rpartition(" ")
        bench.rows.append(
            Row(
                suite="gpu",
                group=f"gpu, batch {requests}",
                what="all graphs",
                bundle=bench.name(bundle),
                engine=engine,
                precision=precision,
                requests=requests,
                garments=GARMENTS,
                variant="device time",
                ms=samples.ms,
                rounds=len(samples.seconds),
                stable=samples.stable,
                relative=None if samples is reference else samples.over(reference),
            )
        )
    work = list(work_of(bundle, dict.fromkeys(bundle.manifest.steps.graphs, "fp16"), requests, GARMENTS).values())
    gmacs, megabytes = sum(w.gmacs for w in work), sum(w.megabytes for w in work)
    name, best = min(found.items(), key=lambda item: item[1].ms.value)
    floor = sum(w.floor_ms(rate.value, traffic.value) for w in work)
    bench.floors.append(
        Floor(
            graph=f"{bench.name(bundle)} all, {name}, batch {requests}",
            precision="fp16",
            gmacs=gmacs,
            megabytes=megabytes,
            compute_ms=gmacs / rate.value * 1000,
            memory_ms=megabytes / traffic.value,
            ms=best.ms,
            fraction=best.ms.inverse().scaled(floor),
        )
    )


def _eager(bundle: Bundle, arrays: Arrays, dtype: str) -> Callable[[], Any]:
    """Return all graphs, as plain PyTorch modules on the GPU, one after the other."""
    torch = require("torch", extra="refine", purpose="the gpu suite")
    from safetensors.torch import load_file

    from ...networks.config import NetworkConfig
    from ...networks.graphs import graph_specs

    specs = graph_specs(NetworkConfig.from_json(bundle.manifest.config))
    modules = {}
    for spec in specs:
        graph = bundle.manifest.graph(spec.name)
        module = spec.build(NetworkConfig.from_json(bundle.manifest.config))
        if graph.parameters:
            module.load_state_dict(load_file(bundle.graph_file(graph, "weights")), strict=False)
        modules[spec.name] = (module.half() if dtype == "fp16" else module.float()).cuda().eval()

    def run() -> Any:
        values = dict(arrays)
        with torch.inference_mode():
            for spec in specs:
                outputs = modules[spec.name](*(values[tensor.name] for tensor in spec.inputs))
                listed = outputs if isinstance(outputs, tuple) else (outputs,)
                values.update({t.name: o for t, o in zip(spec.outputs, listed, strict=False)})
        return values["image"]

    return run


def _compiled(run: Callable[[], Any]) -> Callable[[], Any]:
    torch = require("torch", extra="refine", purpose="the gpu suite")
    compiled: Callable[[], Any] = torch.compile(run, dynamic=False)
    compiled()
    return compiled


def _quiet(run: Callable[[], Any]) -> Callable[[], None]:
    """Return the same without a result, which would be taken for stages."""

    def call() -> None:
        run()

    return call
