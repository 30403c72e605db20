"""The result file of `oviton bench`: a stable, documented format (see docs/benchmarks.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..data.errors import InputError
from ..evaluation.intervals import Interval, median, slope
from ..evaluation.json_file import read_model

SCHEMA: Final = 1


class _Strict(BaseModel):
    # Never Infinity or NaN: nothing compares with them.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Row(_Strict):
    """One thing that was timed.

    Parameters
    ----------
    suite
        Which suite it belongs to.
    group
        Rows of one group were measured in turns; only within a group are times compared.
    what
        ``"try_on"``, a graph's name, ``"step"``, …
    bundle, engine, precision
        What ran.
    requests, garments, clients
        N, M, and clients of a server.
    variant
        What else is special about it.
    ms
        Median milliseconds.
    rounds, stable
        How many, and whether the median stood still at the end.
    relative
        Time relative to the group's reference, of the same rounds; None for the reference itself.
    stages
        Median milliseconds by stage.
    numbers
        Further numbers by name, units in the names.
    """

    suite: str
    group: str
    what: str
    bundle: str
    engine: str = ""
    precision: str = ""
    requests: int = 1
    garments: int = 1
    clients: int = 0
    variant: str = ""
    ms: Interval
    rounds: int
    stable: bool
    relative: Interval | None = None
    stages: dict[str, float] = {}
    numbers: dict[str, float] = {}

    @property
    def runs_on(self) -> str:
        """Engine and precision."""
        return f"{self.engine} {self.precision}".strip()

    @property
    def key(self) -> str:
        """What identifies it across runs."""
        sizes = f"N{self.requests} M{self.garments}" + (f" C{self.clients}" if self.clients else "")
        parts = (self.group, self.what, self.bundle, self.engine, self.precision, sizes, self.variant)
        return " / ".join(part for part in parts if part)


class Floor(_Strict):
    """A graph beside what the machine's ceilings allow.

    Parameters
    ----------
    graph
        Its name, or ``"all"``.
    precision
        Of the engine, and of the ceiling.
    gmacs, megabytes
        Its work.
    compute_ms, memory_ms
        Least times for arithmetic and for traffic; the larger is the floor.
    ms
        What was measured.
    fraction
        Floor over measured: 1 is the best possible.
    """

    graph: str
    precision: str
    gmacs: float
    megabytes: float
    compute_ms: float
    memory_ms: float
    ms: Interval
    fraction: Interval

    @property
    def bound(self) -> str:
        """What bounds it: ``"compute"`` or ``"memory"``."""
        return "compute" if self.compute_ms >= self.memory_ms else "memory"


class Ceiling(_Strict):
    """A measured ceiling: ``"matrix product"`` in GMAC/s, or ``"copy"`` in GB/s."""

    name: str
    precision: str
    by: str
    value: Interval
    unit: str


class Slope(_Strict):
    """How time grows with a size: milliseconds a unit, at size 0, and relative to the time at `base`."""

    along: str
    bundle: str
    sizes: tuple[float, ...]
    ms: tuple[Interval, ...]
    slope: Interval
    intercept: Interval
    relative: Interval
    base: float


def fitted_line(bundle: str, along: str, seconds: Mapping[int, Sequence[float]], base: int) -> Slope:
    """Fit a line through times by size.

    Parameters
    ----------
    bundle, along
        What was measured, and what grew.
    seconds
        For each size a time a round, equally many; rounds are drawn together, so that the line and what it is divided
        by belong to the same draws.
    base
        The size whose time the relative slope is of.
    """
    sizes = [float(size) for size in seconds]
    steps, start = slope(sizes, list(seconds.values()))
    shares = [[s / r for s, r in zip(each, seconds[base], strict=True)] for each in seconds.values()]
    return Slope(
        along=along,
        bundle=bundle,
        sizes=tuple(sizes),
        ms=tuple(median(each).scaled(1000) for each in seconds.values()),
        slope=steps.scaled(1000),
        intercept=start.scaled(1000),
        relative=slope(sizes, shares)[0],
        base=base,
    )


class Curve(_Strict):
    """Refinement over time: seconds since it began, and the loss relative to the first step's."""

    name: str
    seconds: tuple[float, ...]
    loss: tuple[float, ...]


class Machine(_Strict):
    """What was measured on, as `machine.describe` finds it."""

    date: str
    processor: str
    capability: str
    cores: int
    memory_gb: float
    governor: str | None = None
    load: float = 0.0
    kernel: str = ""
    python: str = ""
    gpus: list[dict[str, str]] = []
    versions: dict[str, str] = {}
    commit: str | None = None


class Settings(_Strict):
    """How a run was made.

    Parameters
    ----------
    bundles
        Identities by the names that rows use; the first is what the headline is about.
    default_engine
        Engine and precision that the headline is about.
    suites
        Which were wanted.
    quick
        Whether rounds and sizes were fewer.
    seed
        Of the order of turns.
    rule
        When a group was measured well enough.
    seconds
        How long everything took.
    gpu_clocks
        Before and after each group on a GPU.
    """

    bundles: dict[str, str] = Field(min_length=1)
    default_engine: str
    suites: tuple[str, ...] = ()
    quick: bool
    seed: int = 0
    rule: dict[str, int | float] = {}
    seconds: float = 0.0
    gpu_clocks: list[dict[str, Any]] = []

    @property
    def first_bundle(self) -> str:
        """The bundle that the headline is about."""
        return next(iter(self.bundles))


class BenchReport(_Strict):
    """Everything that one run measured.

    Parameters
    ----------
    schema_version
        Format of this file.
    machine
        Machine, versions and commit.
    settings
        How it was run.
    headline
        Ratios by the names in `headlines.HEADLINES`; only what was measured.
    ceilings, floors, rows, slopes, curves
        The numbers.
    skipped
        Suites, or parts of them, that did not run, and why.
    failed
        Those of them that should have run here.
    """

    schema_version: Literal[1] = SCHEMA
    machine: Machine
    settings: Settings
    headline: dict[str, Interval]
    ceilings: tuple[Ceiling, ...] = ()
    floors: tuple[Floor, ...] = ()
    rows: tuple[Row, ...] = ()
    slopes: tuple[Slope, ...] = ()
    curves: tuple[Curve, ...] = ()
    skipped: dict[str, str] = {}
    failed: tuple[str, ...] = ()

    @property
    def try_on(self) -> Row | None:
        """The row that says what a try-on takes: first bundle, default engine, two garments, from arrays to arrays."""
        wanted = ("engines", self.settings.first_bundle, self.settings.default_engine)
        return next((row for row in self.rows if (row.group, row.bundle, row.runs_on) == wanted), None)


class _Version(BaseModel):
    schema_version: int = SCHEMA


def read_report(path: Path) -> BenchReport:
    """Read a result file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        When it is missing, of another schema, or no result of `oviton bench`.
    """
    what = "a result of oviton bench"
    version = read_model(path, _Version, what).schema_version  # first: another schema's fields are other ones
    if version != SCHEMA:
        age, advice = ("newer", "upgrade oviton") if version > SCHEMA else ("older", "measure again")
        raise InputError(f"{path}: schema_version {version} is {age} than this program's {SCHEMA}; {advice}")
    return read_model(path, BenchReport, what)
