"""What a try-on reports: a stable, documented JSON format (see docs/report.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from ..engines.engine_set import EngineSet

REPORT_SCHEMA = 1


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineReport(_Strict):
    """The engine that ran, and why not a better one.

    Parameters
    ----------
    name, version, device, precision
        What ran.
    not_used
        Better candidates with the reason why each cannot run here.
    """

    name: str
    version: str | None
    device: str
    precision: str
    not_used: dict[str, str]


class BundleReport(_Strict):
    """The bundle that was used.

    Parameters
    ----------
    name, preset, height, width
        What it is.
    identity
        SHA-256 of its manifest.
    trained
        How each part was trained.
    """

    name: str
    preset: str
    height: int
    width: int
    identity: str
    trained: dict[str, str]


class RefinementReport(_Strict):
    """What a refinement did.

    Parameters
    ----------
    accepted
        Whether its result is used; if not, the feed-forward result is, for `reason`.
    reason
        Why it is not used; empty when it is.
    steps, seconds
        Steps taken and time spent, preparation included.
    stopped
        ``"steps"``, ``"plateau"``, ``"time"``, ``"cancelled"``, ``"not worthwhile"`` or ``"not a number"``.
    losses_before, losses_after
        The weighted terms of the loss and their sum on the unmoved photographs.
    texture_before, texture_after
        Distance of the result from what the surface lookup knows; 0 when it knows nothing.
    outfit
        Id under which a server keeps the refined weights; None in process, or when it keeps none.
    peak_memory_mb
        Most memory in use, in MiB: on a GPU what refinement allocated, on a CPU the whole process.
    """

    accepted: bool
    reason: str
    steps: int
    seconds: float
    stopped: str
    losses_before: dict[str, float]
    losses_after: dict[str, float]
    texture_before: float
    texture_after: float
    outfit: str | None = None
    peak_memory_mb: float = 0.0


class TryOnReport(_Strict):
    """One try-on.

    Parameters
    ----------
    schema_version
        Format of this report.
    engine, bundle
        What it ran on.
    source
        Classes that are not the person's own: k ≥ 1 from garment k, -1 removed.
    stages_ms
        Milliseconds by stage, in order; the graphs bear their own names.
    total_ms
        Milliseconds from arrays to arrays.
    changed_share
        Share of the photograph's pixels that the try-on repainted.
    notes
        Anything a user should know.
    refinement
        What refinement did; None without one.
    """

    schema_version: int = REPORT_SCHEMA
    engine: EngineReport
    bundle: BundleReport
    source: dict[str, int]
    stages_ms: dict[str, float]
    total_ms: float
    changed_share: float
    notes: tuple[str, ...]
    refinement: RefinementReport | None = None


@dataclass(frozen=True)
class Setting:
    """What a try-on runs on: sizes to fit photographs to, and what goes into its report.

    Parameters
    ----------
    bundle, engine
        As in a report.
    conditioning
        What the appearance generator sees: ``"codes"`` or ``"surface"``.
    inputs
        Names of the tensors that a request brings.
    notes
        What a user should know of the engine and the bundle.
    """

    bundle: BundleReport
    engine: EngineReport
    conditioning: str
    inputs: tuple[str, ...]
    notes: tuple[str, ...]


def setting_of(engines: EngineSet) -> Setting:
    """Return what a try-on on loaded engines reports of them and of their bundle."""
    bundle, chosen = engines.bundle, engines.chosen
    manifest = bundle.manifest
    brought = [spec.name for graph in manifest.graphs for spec in graph.inputs if spec.name in manifest.steps.inputs]
    return Setting(
        BundleReport(
            name=manifest.name,
            preset=manifest.preset,
            height=manifest.height,
            width=manifest.width,
            identity=bundle.identity,
            trained=manifest.trained,
        ),
        EngineReport(
            name=chosen.candidate.engine,
            version=chosen.version,
            device=chosen.candidate.device,
            precision=engines.precision,
            not_used={a.candidate.label: a.reason or "" for a in engines.passed_over},
        ),
        manifest.conditioning,
        tuple(dict.fromkeys(brought)),
        tuple(engines.notes),
    )
