"""Two checkouts timed in turns: try-ons of the default bundle, warm on two engines, and the whole command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ...bundle.bundle import SHIPPED_BUNDLES, Bundle
from ..timing import Contender, Samples, StopRule, take_turns
from .targets import ROOT

PEOPLE = ROOT / "examples" / "people"
ENGINES = ("openvino", "onnxruntime")
WARM = StopRule(warm_up=2, least=15, most=60, seconds=150, tolerance=0.01)
STARTS = StopRule(warm_up=1, least=8, most=20, seconds=120, tolerance=0.01)


def measure_against(before: Path) -> dict[str, Any]:
    """Time try-ons of an older checkout and of this one in turns: warm on two engines, and from the start."""
    with ExitStack() as closing:
        found: dict[str, tuple[Samples, Samples]] = {}
        places = {"before": linked(before, closing), "after": linked(ROOT, closing)}
        dressers = {name: closing.enter_context(dresser(place)) for name, place in places.items()}
        for engine in ENGINES:
            contenders = [asked(name, process, engine) for name, process in dressers.items()]
            times = take_turns(contenders, WARM)
            found[f"try-on, {engine}"] = times["before"], times["after"]
        starts = take_turns([started(name, place) for name, place in places.items()], STARTS)
        found["oviton try-on, from the start"] = starts["before"], starts["after"]
    return {
        "bundle": Bundle.open(SHIPPED_BUNDLES / "base").manifest.digest,
        "rounds": {name: len(after.seconds) for name, (_, after) in found.items()},
        "before_ms": {name: before.ms.model_dump() for name, (before, _) in found.items()},
        "ratios": {name: after.over(before).model_dump() for name, (before, after) in found.items()},
    }


def linked(checkout: Path, closing: ExitStack) -> dict[str, str]:
    """Return an environment in which ``import oviton`` finds a checkout, with a plan cache of its own."""
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
    (folder / "oviton").symlink_to(checkout.resolve())
    own = {"PYTHONPATH": str(folder), "OVITON_CACHE": str(folder / "plans"), "OVITON_BUNDLE": ""}
    return {**os.environ, **own}


def dresser(environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process that dresses people on request; see `dresser.py`."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("dresser.py")), str(PEOPLE)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd="/")


def asked(name: str, process: subprocess.Popen[str], engine: str) -> Contender:
    """Return a contender that lets a process dress someone, timed by that process."""
    answers: list[float] = []

    def ask() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        print(engine, file=process.stdin, flush=True)
        answers.append(float(process.stdout.readline()))

    def told(run: Callable[[], object]) -> float:
        run()
        return answers.pop()

    return Contender(name, ask, told)


def started(name: str, environment: dict[str, str]) -> Contender:
    """Return a contender that is the whole command, with plans in the cache."""
    command = [sys.executable, "-P", "-m", "oviton", "try-on", str(PEOPLE / "hugo"), "--wear"]
    target = Path(environment["OVITON_CACHE"]).with_name("look.png")
    command += [f"upper_clothes={PEOPLE / 'ana'}", "-o", str(target)]
    return Contender(
        name, lambda: subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, cwd="/")
    )
