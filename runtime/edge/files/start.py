#!/usr/bin/env python3
"""Run oviton on this device: `./start.py try-on PERSON --wear upper_clothes=GARMENT -o out.png`.

The first start installs what is missing into a virtual environment in this folder, compiles the networks for this
device and checks them; both are kept. Needs nothing but Python 3.10 or later.

OVITON_WHEELS names a folder of wheels for a device without a network.
"""

import json
import os
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
COMPILED = ROOT / "plans" / ".compiled"
ABOUT = json.loads((ROOT / "edge.json").read_text(encoding="utf-8"))

# What the requirements are imported as, where the name differs.
MODULES = {
    "cuda-core": "cuda.core",
    "cuda-python": "cuda.bindings",
    "pillow": "PIL",
    "tensorrt-rtx-cu13": "tensorrt_rtx",
    "zlib-ng": "zlib_ng",
}


def main(arguments: list[str]) -> int:
    """Prepare what is missing, then run the command."""
    if sys.version_info < (3, 10):
        return fail(f"Python {sys.version.split()[0]} is too old; start it with Python 3.10 or later")
    absent = [name for name in ABOUT["from_system"] if find_spec(name) is None]
    if absent:
        return fail(f"{absent[0]} is not installed; the system image brings it: sudo apt install python3-libnvinfer")
    python = find_python()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OVITON_BUNDLE": str(ROOT / "bundle"),
        "OVITON_CACHE": str(ROOT / "plans"),
    }
    command = [python, "-m", "oviton_edge"]
    engine = ["--engine", ABOUT["engine"], "--precision", ABOUT["precision"]]
    runs_networks = arguments[:1] in (["try-on"], ["compile"])
    if runs_networks and not COMPILED.exists():
        print("first start: compiling for this device", file=sys.stderr, flush=True)
        status = subprocess.run([*command, "compile", *engine], env=environment, check=False).returncode
        if status:
            return status
        COMPILED.touch()
    if runs_networks:
        arguments = [arguments[0], *engine, *arguments[1:]]  # the user's own come later, and so win
    return subprocess.run([*command, *arguments], env=environment, check=False).returncode


def find_python() -> str:
    """Return a Python that has all requirements: this one, or the one of a virtual environment made here."""
    names = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n") if line]
    plain = [name.split("=")[0].split(">")[0].split("<")[0].strip() for name in names]
    if all(is_there(MODULES.get(name, name)) for name in plain):
        return sys.executable
    inside = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (VENV / ".installed").exists():
        print(f"first start: installing {len(names)} packages into {VENV}", file=sys.stderr, flush=True)
        venv.create(VENV, system_site_packages=bool(ABOUT["from_system"]), with_pip=True)
        wheels = os.environ.get("OVITON_WHEELS")
        offline = ["--no-index", "--find-links", wheels] if wheels else []
        pip = [str(inside), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *offline]
        if subprocess.run([*pip, "-r", str(ROOT / "requirements.txt")], check=False).returncode:
            raise SystemExit(fail("packages could not be installed; is there a network, or does OVITON_WHEELS fit?"))
        (VENV / ".installed").touch()
    return str(inside)


def is_there(module: str) -> bool:
    """Tell whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def fail(message: str) -> int:
    """Print one line and return the exit status of bad input."""
    print(f"oviton: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
