"""The two commands of a new user, in fresh clones whose folders have any name."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .targets import ROOT

OF_THIS_SHELL = ("PYTHONPATH", "MYPYPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
"""Environment variables that a new user does not have."""

Run = dict[str, Any]
"""Exit status and seconds of a command, and the commit that it ran on."""


def measure_clone(name: str, targets: Iterable[str]) -> dict[str, Run]:
    """Clone this checkout's commit into a folder of a name, and make targets there, one after the other.

    The environment is made in between, under the name ``install``: what that takes is the network's time.
    """
    environment = {key: value for key, value in os.environ.items() if key not in OF_THIS_SHELL}
    found: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, name)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)

        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=clone, check=True, capture_output=True, text=True
        ).stdout.strip()

        def make(target: str) -> Run:
            print(f"{name}: make {target}", flush=True)
            started = time.monotonic()
            done = subprocess.run(["make", target], cwd=clone, env=environment, check=False)
            return {"status": done.returncode, "seconds": round(time.monotonic() - started, 1), "commit": head}

        first, *others = targets
        found[first] = make(first)
        found["install"] = make(".venv/.dev")
        found |= {target: make(target) for target in others}
    return found
