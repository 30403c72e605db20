"""What a compiled plan depends on, and when a plan that was built for something else will still do."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..bundle.bundle import Bundle
from ..bundle.manifest import GraphEntry
from ..data.optional import version_of

ANY_DEVICE = "any"
"""Device of a plan that runs on every device of its capability."""


@dataclass(frozen=True)
class PlanKey:
    """Everything that a compiled plan depends on.

    Parameters
    ----------
    graph
        Its name.
    onnx, weights
        SHA-256 of the graph and of its weights; empty for a graph without weights.
    engine, engine_version
        What compiled it.
    precision
        Its arithmetic.
    device
        Name of the processor or GPU.
    capability
        Its instruction sets or compute capability.
    profile
        Allowed N and M.
    options
        Builder options.
    """

    graph: str
    onnx: str
    weights: str
    engine: str
    engine_version: str
    precision: str
    device: str
    capability: str
    profile: str
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        graph: GraphEntry,
        engine: str,
        precision: str,
        options: dict[str, str],
        *,
        version: str | None = None,
        target: tuple[str, str] | None = None,
    ) -> PlanKey:
        """Return the key for a graph.

        Parameters
        ----------
        bundle, graph, engine, precision, options
            See the class.
        version
            The engine's version; by default that of the distribution of its name.
        target
            Device and capability that the plan is for; by default this machine's processor.
        """
        manifest = bundle.manifest
        device, capability = target or processor()
        weights = graph.files.get("weights")
        return cls(
            graph=graph.name,
            onnx=manifest.files[graph.files["onnx_fp16" if precision == "fp16" else "onnx_fp32"]].sha256,
            weights=manifest.files[weights].sha256 if weights else "",
            engine=engine,
            engine_version=version or version_of(engine) or "unknown",
            precision=precision,
            device=device,
            capability=capability,
            profile=f"N=1..{manifest.max_requests},M=1..{manifest.max_garments}",
            options=options,
        )

    @property
    def digest(self) -> str:
        """SHA-256 over all fields."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def slot(self) -> str:
        """What plans are for, whatever they were compiled with: the start of their file names."""
        return f"{self.graph}-{self.engine}-{self.precision}"

    def differences(self, stored: dict[str, Any]) -> dict[str, tuple[str, str]]:
        """Compare with a stored key field by field: each differing field with the stored and the wanted value."""
        wanted = asdict(self)
        return {name: (str(stored.get(name)), str(wanted[name])) for name in wanted if stored.get(name) != wanted[name]}

    def unmet(self, stored: dict[str, Any]) -> dict[str, tuple[str, str]]:
        """Return the `differences` that keep a stored plan from being used where this key is wanted.

        A plan for several compute capabilities, or for any device, serves each of them; a plan built with more options
        than wanted serves too, for example one that can be refitted; one that is version compatible serves later
        versions of the same major number.
        """
        found = self.differences(stored)
        options = stored.get("options") or {}
        if stored.get("device") == ANY_DEVICE:
            found.pop("device", None)
        if covers_capability(str(stored.get("capability")), self.capability):
            found.pop("capability", None)
        if isinstance(options, dict) and self.options.items() <= options.items():
            found.pop("options", None)
            old, new = str(stored.get("engine_version")), self.engine_version
            same_major = old.split(".", maxsplit=1)[0] == new.split(".")[0]
            if "version_compatible" in options and same_major and _numbers(old) <= _numbers(new):
                found.pop("engine_version", None)
        return found


def covers_capability(built: str, wanted: str) -> bool:
    """Whether a plan for compute capabilities such as ``8.6,8.9`` or ``8.0+`` serves the wanted ones.

    >>> covers_capability("8.0+", "8.9"), covers_capability("8.6,8.9", "8.9"), covers_capability("8.6", "8.9")
    (True, True, False)
    """
    if built == wanted:
        return True
    if not all(part and set(part) <= set("0123456789.") for part in wanted.split(",")):
        return False
    if built.endswith("+"):
        return all(_numbers(part) >= _numbers(built.rstrip("+")) for part in wanted.split(","))
    return set(wanted.split(",")) <= set(built.split(","))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


@cache
def processor() -> tuple[str, str]:
    """Return the processor's name and the instruction sets that compilers choose by."""
    wanted = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), platform.machine()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    values = {name.strip(): value.strip() for name, value in fields.items()}
    flags = set((values.get("flags") or values.get("Features") or "").split())
    name = values.get("model name") or platform.processor() or platform.machine()
    return name, " ".join([platform.machine(), *(flag for flag in wanted if flag in flags)])
