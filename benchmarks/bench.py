"""One run of the benchmarks: what suites share, and what they have found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..bundle.bundle import Bundle
from ..bundle.samples import read_samples, sample_requests
from ..data.errors import EngineError, GateError, InputError
from ..engines.engine_set import EngineSet
from ..engines.registry import Availability, survey
from ..evaluation.intervals import Interval
from ..runtime.person import Garment, Person
from ..runtime.try_on import TryOn
from .report import Ceiling, Curve, Floor, Row, Slope
from .timing import QUICK, Contender, Samples, StopRule, take_turns

Say = Callable[[str], None]


@dataclass(frozen=True)
class BenchOptions:
    """How the benchmarks run.

    Parameters
    ----------
    bundles
        Bundles; the first is what the headline is about. Empty: the shipped one.
    suites
        Names of suites; empty for all.
    quick
        Fewer rounds and sizes, for an answer in under two minutes.
    seed
        Of the order of turns.
    """

    bundles: tuple[Path, ...] = ()
    suites: tuple[str, ...] = ()
    quick: bool = False
    seed: int = 0

    @property
    def rule(self) -> StopRule:
        """When a group was measured well enough."""
        return QUICK if self.quick else StopRule()


@dataclass
class Bench:
    """What suites share; a context that closes the engines that were loaded."""

    options: BenchOptions
    say: Say = lambda _: None
    headline: dict[str, Interval] = field(default_factory=dict)
    ceilings: list[Ceiling] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    slopes: list[Slope] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    gpu_clocks: list[dict[str, Any]] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _loaded: dict[tuple[str, str, str], TryOn | None] = field(default_factory=dict)

    def __enter__(self) -> Bench:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close every engine."""
        self._stack.close()

    @cached_property
    def bundles(self) -> list[Bundle]:
        """The bundles, opened and verified; each is a contender, so none is there twice."""
        found: dict[str, Bundle] = {}
        for path in self.options.bundles or (None,):
            bundle = Bundle.open(path)
            if (same := found.setdefault(bundle.identity, bundle)) is not bundle:
                raise InputError(
                    f"--bundle {bundle.path} is the same as {same.path}, {bundle.manifest.name} of identity "
                    f"{bundle.identity[:12]}; name each bundle once"
                )
        return list(found.values())

    @cached_property
    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for bundle in self.bundles:
            name, count = bundle.manifest.name, 1
            while name in names.values():
                count += 1
                name = f"{bundle.manifest.name} ({count})"
            names[bundle.identity] = name
        return names

    def name(self, bundle: Bundle) -> str:
        """Return what a bundle is called in the report: its name, numbered where an earlier bundle has it too."""
        return self._names[bundle.identity]

    @cached_property
    def available(self) -> list[Availability]:
        """Engines that run here; the first is the default. Those that do not are noted as skipped."""
        found = survey()
        for each in found:
            if each.reason is not None:
                self.skipped[f"engine {each.candidate.label}"] = each.reason
        running = [each for each in found if each.reason is None]
        if not running:
            raise EngineError("no engine runs here; oviton doctor says why")
        return running

    def fail(self, what: str, why: str) -> None:
        """Note that something was wanted, should have run here, and did not."""
        self.skipped[what] = " ".join(why.split()) or "it failed"  # one line, however an error is laid out
        self.failed.append(what)

    def load(self, bundle: Bundle, engine: str = "auto", precision: str = "auto") -> TryOn | None:
        """Return a loaded bundle, each loaded once; None when it cannot be run here, which is noted as skipped."""
        key = (bundle.identity, engine, precision)
        if key not in self._loaded:
            self.say(f"loading {self.name(bundle)} on {engine} {precision}")
            try:
                tryon = self._stack.enter_context(TryOn(EngineSet.load(bundle, engine, precision)))
                tryon(*self.outfit(bundle, 2))  # some compile only then, or find that they cannot
                self._loaded[key] = tryon
            except (EngineError, GateError, InputError) as error:
                if engine == "auto":
                    raise
                self.skipped[f"{self.name(bundle)} on {engine} {precision}"] = str(error)
                self._loaded[key] = None
        return self._loaded[key]

    def default(self, bundle: Bundle) -> TryOn:
        """Return a bundle on the engine and precision that users get."""
        loaded = self.load(bundle)
        assert loaded is not None  # auto falls back to a precision that passes
        return loaded

    def people(self, bundle: Bundle) -> list[Path]:
        """Return the sample people's folders."""
        return list(bundle.sample_folders)

    def outfit(self, bundle: Bundle, garments: int) -> tuple[Person, list[Garment]]:
        """Return a person and so many garments, each its own photograph."""
        return open_outfit(self.people(bundle), garments)

    def arrays(self, bundle: Bundle, requests: int, garments: int) -> dict[str, Any]:
        """Return the graphs' outer inputs for a batch of the sample people."""
        people = read_samples(self.people(bundle))
        return dict(sample_requests(people, bundle.manifest.height, bundle.manifest.width, requests, garments))

    def keep(self, bundle: Bundle, samples: Samples, *, on: TryOn, over: Samples | None = None, **fields: Any) -> None:
        """Add a row.

        Parameters
        ----------
        bundle, samples
            What was timed.
        on
            The loaded bundle, which says on what.
        over
            The group's reference of the same rounds. Default: None, the reference itself.
        fields
            The row's other fields, and those that are not as the samples say.
        """
        engines = on.engines
        told: dict[str, Any] = {
            "bundle": self.name(bundle),
            "engine": engines.chosen.candidate.label,
            "precision": engines.precision,
            "ms": samples.ms,
            "rounds": len(samples.seconds),
            "stable": samples.stable,
            "relative": samples.over(over) if over is not None else None,
            "stages": samples.stage_medians(),
        }
        self.rows.append(Row(**(told | fields)))

    def turns(self, group: str, contenders: list[Contender]) -> dict[str, Samples]:
        """Measure contenders in turns."""
        self.say(f"{group}: {len(contenders)} take turns")
        return take_turns(contenders, self.options.rule, seed=self.options.seed)


def open_outfit(people: list[Path], garments: int) -> tuple[Person, list[Garment]]:
    """Read a person, and garments from the others: one class each, distinct ones first."""
    person = Person.open(people[0])
    worn: list[Garment] = []
    taken: set[str] = set()
    for wear in ("upper_clothes", "pants", "skirt", "coat", "left_shoe", "hat", "dress", "right_shoe", "socks"):
        for folder in people[1:]:
            if len(worn) == garments:
                return person, worn
            if wear in taken or (wear == "dress" and taken & {"upper_clothes", "pants", "skirt"}):
                continue
            try:
                worn.append(Garment.open(folder, wear=wear))
            except InputError:
                continue  # it does not show that class
            taken.add(wear)
    return person, worn
