"""Which engines exist, which of them this machine can run, and why not the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..data.errors import EngineError, InputError
from ..data.optional import install_command, is_installed, require, version_of
from .tensorrt.flavour import FLAVOURS


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
    module
        Its Python module, where that is not its name.
    """

    engine: str
    device: str
    distribution: str
    precisions: tuple[str, ...]
    extra: str | None = None
    module: str | None = None

    @property
    def import_name(self) -> str:
        """Return the Python module that must be installed."""
        return self.module or self.engine

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
    hardware
        The GPU and its driver, for an engine that runs on one.
    """

    candidate: Candidate
    version: str | None
    reason: str | None
    precisions: tuple[str, ...]
    hardware: str = ""


AUTO_ORDER = (
    Candidate("tensorrt", "cuda", "tensorrt", ("fp16", "fp32"), "tensorrt"),
    Candidate("tensorrt-rtx", "cuda", "tensorrt-rtx-cu13", ("fp16", "fp32"), "rtx", "tensorrt_rtx"),
    Candidate("torch", "cuda", "torch", ("fp16", "fp32"), "refine"),
    Candidate("openvino", "cpu", "openvino", ("bf16", "int8", "fp32")),
    Candidate("onnxruntime", "cpu", "onnxruntime", ("fp32", "fp16")),
    Candidate("torch", "cpu", "torch", ("fp32",), "refine"),
)
"""What ``auto`` tries, in this order."""

BY_NAME_ONLY = (
    Candidate("torch-tensorrt", "cuda", "torch-tensorrt", ("fp16", "fp32"), "torch-tensorrt", "torch_tensorrt"),
    Candidate("torch-compile", "cuda", "torch", ("fp16", "fp32"), "refine", "torch"),
    Candidate("torch-compile", "cpu", "torch", ("fp32",), "refine", "torch"),
)
"""What ``auto`` leaves alone: an alternative and a baseline, which compile anew in every process."""

CANDIDATES = (*AUTO_ORDER, *BY_NAME_ONLY)

ENGINE_NAMES = tuple(dict.fromkeys(candidate.engine for candidate in CANDIDATES))


def availability(candidate: Candidate) -> Availability:
    """Tell whether a candidate can run on this machine, by asking it, not by guessing from the platform."""
    if not is_installed(candidate.import_name):
        command = install_command(candidate.engine, candidate.extra)
        return Availability(candidate, None, f"{candidate.engine} is not installed; run: {command}", ())
    version = version_of(candidate.distribution)
    hardware = ""
    try:
        if candidate.engine in FLAVOURS:
            version = FLAVOURS[candidate.engine].version
        if candidate.device == "cuda":
            hardware = _gpu_in_words(candidate)
        reason, precisions = _PROBES[candidate.engine, candidate.device](candidate)
    except InputError as error:
        reason, precisions = str(error), ()
    except Exception as error:  # a broken installation fails in its own way; it must not take the others along
        reason, precisions = f"cannot be imported ({type(error).__name__}: {error})", ()
    return Availability(candidate, version, reason, precisions, hardware)


def survey() -> tuple[Availability, ...]:
    """Return the availability of every candidate, those of ``auto`` first and in its order."""
    return tuple(availability(candidate) for candidate in CANDIDATES)


def choose(engine: str, failed: Sequence[Availability] = ()) -> tuple[Availability, tuple[Availability, ...]]:
    """Choose an engine by name, or the first that runs here for ``auto``.

    Parameters
    ----------
    engine
        ``"auto"`` or a name.
    failed
        Candidates that were chosen before and failed, each with its reason; they are not chosen again.

    Returns
    -------
    tuple
        The choice, and the candidates before it, each with its reason.

    Raises
    ------
    InputError
        When the name is unknown.
    EngineError
        When nothing runs here.
    """
    if engine not in (*ENGINE_NAMES, "auto"):
        raise InputError(f"engine {engine!r} is unknown; allowed: auto, {', '.join(ENGINE_NAMES)}")
    passed: list[Availability] = []
    for candidate in AUTO_ORDER if engine == "auto" else CANDIDATES:
        if engine not in ("auto", candidate.engine):
            continue
        before = next((a for a in failed if a.candidate == candidate), None)
        found = before or availability(candidate)
        if found.reason is None:
            return found, tuple(passed)
        passed.append(found)
    reasons = "; ".join(f"{a.candidate.label}: {a.reason}" for a in passed)
    raise EngineError(f"engine {engine!r} cannot run here: {reasons}")


Probe = Callable[[Candidate], tuple[str | None, tuple[str, ...]]]


def _gpu_in_words(candidate: Candidate) -> str:
    """Describe the GPU that a candidate would run on; raise `InputError` when its library cannot use one."""
    if candidate.engine in FLAVOURS:
        gpu = FLAVOURS[candidate.engine].gpu()
        return f"{gpu.name}, compute capability {gpu.capability}, CUDA {gpu.driver}"
    torch = require("torch", extra="refine", purpose="the torch engine")
    if torch.version.cuda is None:
        raise InputError("this build of torch has no CUDA")
    if not torch.cuda.is_available():
        raise InputError("torch finds no CUDA GPU or driver")
    major, minor = torch.cuda.get_device_capability()
    return f"{torch.cuda.get_device_name()}, compute capability {major}.{minor}, CUDA {torch.version.cuda}"


def _probe_openvino(candidate: Candidate) -> tuple[str | None, tuple[str, ...]]:
    from .openvino_engine import OpenVinoEngine

    has = {"fp32": True, "bf16": OpenVinoEngine.has_bf16(), "int8": OpenVinoEngine.has_int8()}
    return None, tuple(p for p in candidate.precisions if has[p])


def _probe_import(candidate: Candidate) -> tuple[str | None, tuple[str, ...]]:
    require(candidate.import_name, extra=candidate.extra, purpose=f"the {candidate.engine} engine")
    return None, candidate.precisions


_PROBES: dict[tuple[str, str], Probe] = {
    **dict.fromkeys(((c.engine, c.device) for c in CANDIDATES), _probe_import),
    ("openvino", "cpu"): _probe_openvino,
}
