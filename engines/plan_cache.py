"""Compiled plans on disk, each beside a sidecar that says exactly what it was compiled for."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from ..data.errors import InputError
from ..data.files import atomic_path
from ..data.optional import version_of
from ..export.bundle import Bundle
from ..export.manifest import GraphEntry


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
    def of(cls, bundle: Bundle, graph: GraphEntry, engine: str, precision: str, options: dict[str, str]) -> PlanKey:
        """Return the key for a graph on this machine's processor."""
        manifest = bundle.manifest
        device, capability = processor()
        weights = graph.files.get("weights")
        return cls(
            graph=graph.name,
            onnx=manifest.files[graph.files["onnx_fp16" if precision == "fp16" else "onnx_fp32"]].sha256,
            weights=manifest.files[weights].sha256 if weights else "",
            engine=engine,
            engine_version=version_of(engine) or "unknown",
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


@dataclass(frozen=True)
class Plan:
    """A compiled plan.

    Parameters
    ----------
    data
        Its bytes; dropped once an engine is made of them.
    size
        Their number.
    hit
        Whether it came from the cache.
    seconds
        Time to read or build it.
    stale
        When built although a plan for the same slot exists: each differing field with the old and the new value.
    not_kept
        Why the built plan could not be stored; None when it was.
    """

    data: bytes
    size: int
    hit: bool
    seconds: float
    stale: dict[str, tuple[str, str]]
    not_kept: str | None = None


class PlanCache:
    """A folder of plans.

    Parameters
    ----------
    root
        The folder; by default ``$OVITON_CACHE``, else the user's cache folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_cache_folder()

    def get_or_build(self, key: PlanKey, build: Callable[[], bytes]) -> Plan:
        """Return the plan for `key`, building and storing it when it is not there or is damaged.

        A folder that cannot be written costs a build at every start, no more: the plan says why it was not kept.
        """
        started = time.perf_counter()
        path = self._path(key)
        data = _read_verified(path, key)
        if data is not None:
            return Plan(data, len(data), True, time.perf_counter() - started, {})
        stale = self.difference_to_newest(key)
        data = build()
        not_kept = None
        try:
            self.store(path, data)
            self.store(path.with_suffix(".json"), (json.dumps(_sidecar(key, data), indent=1) + "\n").encode())
        except (InputError, OSError) as error:
            not_kept = str(error)
        return Plan(data, len(data), False, time.perf_counter() - started, stale, not_kept)

    def store(self, path: Path, data: bytes) -> None:
        """Write a file of the cache, whole or not at all.

        Raises
        ------
        InputError
            When the folder cannot be written.
        """
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)

    def difference_to_newest(self, key: PlanKey) -> dict[str, tuple[str, str]]:
        """Compare `key` field by field with the newest other plan of its slot; empty when there is none."""
        others = [p for p in self.root.glob(f"{key.slot}-*.json") if p.stem != self._path(key).stem]
        if not others:
            return {}
        newest = max(others, key=lambda p: p.stat().st_mtime)
        new = asdict(key)
        try:
            old = dict(json.loads(newest.read_text(encoding="utf-8"))["key"])
        except (OSError, ValueError, KeyError, TypeError):
            return {"sidecar": (f"{newest.name} is unreadable", "rebuilt")}
        return {name: (str(old.get(name)), str(new[name])) for name in new if old.get(name) != new[name]}

    def _path(self, key: PlanKey) -> Path:
        return self.root / f"{key.slot}-{key.digest[:16]}.plan"


def _read_verified(path: Path, key: PlanKey) -> bytes | None:
    try:
        sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        data = path.read_bytes()
    except (OSError, ValueError):
        return None
    return data if sidecar == _sidecar(key, data) else None


def _sidecar(key: PlanKey, data: bytes) -> dict[str, Any]:
    return {"key": asdict(key), "sha256": hashlib.sha256(data).hexdigest()}


def default_cache_folder() -> Path:
    """Return where plans are kept: ``$OVITON_CACHE``, else the user's cache folder."""
    return Path(os.environ.get("OVITON_CACHE") or platformdirs.user_cache_dir("oviton"))


@cache
def processor() -> tuple[str, str]:
    """Return the processor's name and the instruction sets that compilers choose by."""
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), platform.machine()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    values = {name.strip(): value.strip() for name, value in fields.items()}
    flags = set((values.get("flags") or values.get("Features") or "").split())
    name = values.get("model name") or platform.processor() or platform.machine()
    return name, " ".join([platform.machine(), *(flag for flag in wanted if flag in flags)])
