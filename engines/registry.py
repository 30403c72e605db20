"""Which engines exist, which of them this machine can run, and why not the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..data.errors import InputError
from ..data.optional import install_command, is_installed, require, version_of


@dataclass(frozen=True)
class Candidate:
    """An engine on a device.

    Parameters
    ----------
    engine
        Name on the command line.
    device
        ``"cpu"`` or ``"cuda"``.
    distribution
        The Python distribution whose version counts.
    precisions
        Precisions, the default first.
    extra
        The extra that installs it; None for the base install.
    """

    engine: str
    device: str
    distribution: str
    precisions: tuple[str, ...]
    extra: str | None = None

    @property
    def label(self) -> str:
        """Return its name with the device."""
        return f"{self.engine} ({self.device})"


@dataclass(frozen=True)
class Availability:
    """Whether a candidate runs here.

    Parameters
    ----------
    candidate
        The engine.
    version
        Installed version, if any.
    reason
        Why it cannot run; None when it can.
    precisions
        Precisions that this machine has for it, the default first.
    """

    candidate: Candidate
    version: str | None
    reason: str | None
    precisions: tuple[str, ...]


AUTO_ORDER = (
    Candidate("torch", "cuda", "torch", ("fp32",), "refine"),
    Candidate("openvino", "cpu", "openvino", ("bf16", "fp32")),
    Candidate("onnxruntime", "cpu", "onnxruntime", ("fp32", "fp16")),
    Candidate("torch", "cpu", "torch", ("fp32",), "refine"),
)
"""What ``auto`` tries, in this order."""

ENGINE_NAMES = tuple(dict.fromkeys(candidate.engine for candidate in AUTO_ORDER))


def availability(candidate: Candidate) -> Availability:
    """Tell whether a candidate can run on this machine, by asking it, not by guessing from the platform."""
    if not is_installed(candidate.engine):
        command = install_command(candidate.engine, candidate.extra)
        return Availability(candidate, None, f"{candidate.engine} is not installed; run: {command}", ())
    version = version_of(candidate.distribution)
    try:
        reason, precisions = _PROBES[candidate.engine, candidate.device](candidate)
    except Exception as error:  # a broken installation fails in its own way; it must not take the others along
        reason, precisions = f"cannot be imported ({type(error).__name__}: {error})", ()
    return Availability(candidate, version, reason, precisions)


def survey() -> tuple[Availability, ...]:
    """Return the availability of every candidate, in the order of ``auto``."""
    return tuple(availability(candidate) for candidate in AUTO_ORDER)


def choose(engine: str) -> tuple[Availability, tuple[Availability, ...]]:
    """Choose an engine by name, or the first that runs here for ``auto``.

    Returns
    -------
    tuple
        The choice, and the candidates before it, each with its reason.

    Raises
    ------
    InputError
        When the name is unknown or nothing runs.
    """
    if engine not in (*ENGINE_NAMES, "auto"):
        raise InputError(f"engine {engine!r} is unknown; allowed: auto, {', '.join(ENGINE_NAMES)}")
    passed: list[Availability] = []
    for candidate in AUTO_ORDER:
        if engine not in ("auto", candidate.engine):
            continue
        found = availability(candidate)
        if found.reason is None:
            return found, tuple(passed)
        passed.append(found)
    reasons = "; ".join(f"{a.candidate.label}: {a.reason}" for a in passed)
    raise InputError(f"engine {engine!r} cannot run here: {reasons}")


Probe = Callable[[Candidate], tuple[str | None, tuple[str, ...]]]


def _probe_torch_cuda(candidate: Candidate) -> tuple[str | None, tuple[str, ...]]:
    torch = require("torch", extra="refine", purpose="the torch engine")
    if torch.version.cuda is None:
        return "this build of torch has no CUDA", ()
    if not torch.cuda.is_available():
        return "torch finds no CUDA GPU or driver", ()
    return None, candidate.precisions


def _probe_openvino(candidate: Candidate) -> tuple[str | None, tuple[str, ...]]:
    from .openvino_engine import OpenVinoEngine

    if OpenVinoEngine.has_bf16():
        return None, candidate.precisions
    return None, tuple(p for p in candidate.precisions if p != "bf16")


def _probe_import(candidate: Candidate) -> tuple[str | None, tuple[str, ...]]:
    require(candidate.engine, extra=candidate.extra, purpose=f"the {candidate.engine} engine")
    return None, candidate.precisions


_PROBES: dict[tuple[str, str], Probe] = {
    ("torch", "cuda"): _probe_torch_cuda,
    ("openvino", "cpu"): _probe_openvino,
    ("onnxruntime", "cpu"): _probe_import,
    ("torch", "cpu"): _probe_import,
}
