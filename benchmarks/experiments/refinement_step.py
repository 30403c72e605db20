"""Time of a refinement step, interleaved with the passes it cannot do without and with the same loop in plain FP32.

Run ``python -m oviton.benchmarks.experiments.refinement_step [BUNDLE]``; writes
``results/refinement_step-BUNDLE.json``. Only the example people are needed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ... import Garment, Person, TryOn, TryOnRequest
from ...bundle.programs import allow_autocast, load_program
from ...runtime.dressing import Dressing
from ...runtime.refinement.lockstep import forward_backward, take_steps
from ...runtime.refinement.options import RefinementOptions
from ...runtime.refinement.problem import Problem
from ...runtime.refinement.programs import Programs
from ...runtime.refinement.refiner import Refiner
from ..machine import write

PEOPLE = Path(__file__).parents[2] / "examples" / "people"
WEARS = (("hugo", "ana", "upper_clothes"), ("ana", "hugo", "upper_clothes,pants"))
"""Who wears what of whom."""


class PlainPrograms(Programs):
    """The programs as PyTorch loads them: its own layers, channels first, FP32."""

    def __init__(self, bundle: Any) -> None:
        super().__init__(bundle, "cpu", "fp32")

    def weights(self) -> dict[str, torch.Tensor]:
        """Return fresh copies, contiguous."""
        return {name: value.clone().contiguous().requires_grad_() for name, value in self._weights.items()}

    def _load(self, bundle: Any, name: str) -> nn.Module:
        entry = next(program for program in bundle.manifest.programs if program.name == name)
        weights = bundle.program_file(name, "weights") if "weights" in entry.files else None
        module = allow_autocast(load_program(bundle.program_file(name, "pt2"), weights))
        for parameter in module.parameters():
            parameter.requires_grad = False
        return module


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=40, help="of the runs whose quality is compared; 0 for none")
    arguments = parser.parse_args()
    tryon = TryOn.load(arguments.bundle)
    person, owner, classes = WEARS[0]
    request = TryOnRequest(Person.open(PEOPLE / person), [Garment.open(PEOPLE / owner, wear=classes)])
    refiners = start(tryon, request, arguments.steps or 40)
    results: dict[str, Any] = {
        "precision": refiners["ours"].programs.precision,
        "threads": torch.get_num_threads(),
        "pictures_a_step": len(refiners["ours"].problem.batch(1).rows),
        **step_times(refiners, arguments.rounds),
        "together": together_times(tryon),
    }
    if arguments.steps:
        results["quality"] = quality(start(tryon, request, arguments.steps))
    for name, value in results.items():
        print(name, value)
    print(write(f"refinement_step-{tryon.engines.bundle.manifest.name}", results))


def start(tryon: TryOn, request: TryOnRequest, steps: int) -> dict[str, Refiner]:
    """Begin the same refinement in both ways, without a plateau to stop at."""
    found = {}
    for name in ("ours", "plain"):
        options = RefinementOptions(
            steps=steps,
            patience=10_000,
            always=True,
            precision="auto" if name == "ours" else "fp32",
        )
        values = tryon.engines.run(Dressing.plan(request).arrays(tryon.setting))
        bundle = tryon.engines.bundle
        programs = PlainPrograms(bundle) if name == "plain" else Programs(bundle, "cpu", options.precision)
        problem = Problem(tryon.engines, programs, values, options)
        refiner = Refiner(problem)
        if name == "plain":
            problem.conditioning = problem.conditioning.contiguous()
            settings = refiner._optimizer.defaults
            refiner._optimizer = torch.optim.Adam(
                refiner.weights.values(), lr=settings["lr"], betas=settings["betas"], foreach=False, fused=False
            )
        found[name] = refiner
    return found


def step_times(refiners: dict[str, Refiner], rounds: int) -> dict[str, float]:
    """Return medians in seconds, and the ratios, of steps taken in turn."""
    steps = {name: take_steps([refiner]) for name, refiner in refiners.items()}
    ways: dict[str, Callable[[], object]] = {
        "step": lambda: next(steps["ours"]),
        "passes": bare_passes(refiners["ours"]),
        "plain_fp32_step": lambda: next(steps["plain"]),
    }
    clocks = {"seconds": time.perf_counter, "processor_seconds": time.process_time}
    times: dict[tuple[str, str], list[float]] = {(name, clock): [] for name in ways for clock in clocks}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            begun = {clock: now() for clock, now in clocks.items()}
            way()
            if turn:  # the first warms up
                for clock, now in clocks.items():
                    times[name, clock].append(now() - begun[clock])
    median = {key: statistics.median(found) for key, found in times.items()}
    ratios = {"step_by_passes": ("step", "passes"), "plain_by_step": ("plain_fp32_step", "step")}
    return {
        **{f"{name}_{clock}": round(value, 4) for (name, clock), value in median.items()},
        **{
            f"{ratio}_in_{clock}": round(median[upper, clock] / median[lower, clock], 3)
            for ratio, (upper, lower) in ratios.items()
            for clock in clocks
        },
    }


def bare_passes(refiner: Refiner) -> Callable[[], object]:
    """Return one forward and one backward pass of the networks that a step needs, on a step's own pictures."""
    programs, batch = refiner.programs, refiner.problem.batch(1)
    labels, weights = refiner.problem.labels[batch.rows], programs.weights()

    def passes() -> None:
        with programs.autocast():
            picture = programs.paint(weights, batch.conditioning).float()
            outputs = [*programs.perceptual(picture), *(x for s in programs.discriminator(picture, labels) for x in s)]
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])

    return passes


def together_times(tryon: TryOn) -> dict[str, float]:
    """Return seconds of a step of two requests, one by one and side by side, interleaved."""
    options = RefinementOptions(steps=40, always=True)
    group = []
    for person, owner, classes in WEARS:
        garment = Garment.open(PEOPLE / owner, wear=classes)
        group.append(tryon.refinement(Person.open(PEOPLE / person), garment, options=options).refiner)
    batches = [refiner.problem.batch(1) for refiner in group]
    times: dict[str, list[float]] = {"one_by_one": [], "together": []}
    for turn in range(6):
        for name, found in times.items():
            begun = time.perf_counter()
            if name == "together":
                forward_backward(group, batches)
            else:
                for refiner, batch in zip(group, batches, strict=True):
                    forward_backward([refiner], [batch])
            if turn:
                found.append(time.perf_counter() - begun)
    median = {name: statistics.median(found) for name, found in times.items()}
    return {
        **{f"{name}_seconds": round(value, 4) for name, value in median.items()},
        "speed_up": round(median["one_by_one"] / median["together"], 3),
    }


def quality(refiners: dict[str, Refiner]) -> dict[str, Any]:
    """Return where both loops end, judged in FP32, and how alike their pictures are."""
    ends = {}
    for name, refiner in refiners.items():
        begun = time.perf_counter()
        for _ in take_steps([refiner]):
            pass
        ends[name] = (time.perf_counter() - begun, refiner.result())
    pictures = [
        refiners[name].paint({n: w.detach().numpy() for n, w in refiners[name].weights.items()}) for name in ends
    ]
    error = float(np.mean((pictures[0] - pictures[1]) ** 2))
    return {
        "steps": refiners["ours"].steps,
        **{
            name: {
                "seconds": round(seconds, 2),
                "loss_before": round(end.before["loss"], 4),
                "loss": round(end.after["loss"], 4),
                "texture": round(end.texture[1], 4),
                "peak_memory_mb": round(end.peak_memory_mb),
            }
            for name, (seconds, end) in ends.items()
        },
        "psnr_between_db": round(10 * float(np.log10(4 / error)), 2),
    }


if __name__ == "__main__":
    main()
