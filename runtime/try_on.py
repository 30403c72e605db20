"""`TryOn`: a loaded bundle that dresses people."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..bundle.bundle import Bundle
from ..data.classes import present_classes
from ..data.closeable import Closeable
from ..data.errors import InputError
from ..data.images import UInt8Array
from ..engines.engine_set import EngineSet
from ..engines.loading import Progress
from ..engines.plan_cache import PlanCache
from .notes import missing_body_maps, refinement_notes, untrained_notes
from .outfit import Outfit, plan_outfit
from .person import Garment, Person
from .report import BundleReport, EngineReport, RefinementReport, TryOnReport
from .requests import TryOnRequest, build_request, differs, photo_box, restore_result
from .stage_clock import StageClock

if TYPE_CHECKING:
    from .refined_look import Refinement
    from .refinement.options import RefinementOptions
    from .refinement.outfit_weights import OutfitWeights
    from .refinement.programs import Programs, ProgramsByPrecision
    from .refinement.session import RefinementSession
    from .refinement.step import RefinementStep


@dataclass(frozen=True)
class Look:
    """The result of a try-on.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8, at the photograph's own size.
    labels
        The new segmentation `[H, W]`, uint8.
    report
        Engine, timings and notes.
    weights
        The refined appearance generator's weights by PyTorch name, float32; None without an accepted refinement.
    """

    image: UInt8Array
    labels: UInt8Array
    report: TryOnReport
    weights: Mapping[str, npt.NDArray[np.float32]] | None = None


class TryOn(Closeable):
    """Dress people with a bundle's networks. Make one with `load`.

    Parameters
    ----------
    engines
        The loaded engines.
    """

    def __init__(self, engines: EngineSet) -> None:
        self.engines = engines
        self._inputs = frozenset(spec.name for graph in engines.bundle.manifest.graphs for spec in graph.inputs)
        self._programs: ProgramsByPrecision | None = None
        self._outfit: OutfitWeights | None = None
        self._outfit_note = ""
        self._loading = threading.Lock()

    @classmethod
    def load(
        cls,
        bundle: Path | str | None = None,
        engine: str = "auto",
        precision: str = "auto",
        *,
        cache: PlanCache | None = None,
        on_progress: Progress | None = None,
        threads: int | None = None,
    ) -> Self:
        """Open a bundle and load its engines.

        Parameters
        ----------
        bundle
            The bundle's folder; the shipped one when None.
        engine
            ``"auto"`` or an engine's name.
        precision
            ``"auto"`` or a precision of that engine.
        cache
            Where compiled plans are kept; by default the user's cache folder.
        on_progress
            Called with what is being loaded.
        threads
            How many CPU threads a graph runs on, for `openvino` and `onnxruntime`; None: all cores. Two try-ons of one
            thread each, side by side, do more on two cores than one of two threads.

        Raises
        ------
        InputError
            When the bundle is unusable or the engine cannot run here.
        """
        opened = Bundle.open(bundle)
        return cls(EngineSet.load(opened, engine, precision, cache=cache, on_progress=on_progress, threads=threads))

    def __call__(self, person: Person, garments: Garment | Sequence[Garment], remove: str | Iterable[str] = ()) -> Look:
        """Dress a person.

        Parameters
        ----------
        person
            Whom.
        garments
            In what; each photograph with the classes taken from it.
        remove
            Names of garment classes to take off, comma separated or one by one.

        Returns
        -------
        Look
            Picture, labels and report.

        Raises
        ------
        InputError
            When the outfit contradicts itself.
        """
        request = self._request(person, garments, remove)
        return self._look(request, self._feed_forward(request))

    def refine(
        self,
        person: Person,
        garments: Garment | Sequence[Garment],
        remove: str | Iterable[str] = (),
        *,
        steps: int = 40,
        time_budget: float | None = None,
        on_step: Callable[[RefinementStep], object] | None = None,
        options: RefinementOptions | None = None,
    ) -> Look:
        """Dress a person, then optimise the appearance generator on this very request.

        Ends with the better of the refined and the feed-forward result. Weights are this request's own: the next
        one starts from the bundle's again.

        Parameters
        ----------
        person, garments, remove
            As when called.
        steps
            At most so many optimiser steps.
        time_budget
            At most so many seconds; None for no limit.
        on_step
            Called after each step. What it raises ends the refinement, and is raised here.
        options
            All options at once, instead of `steps` and `time_budget`.

        Returns
        -------
        Look
            Picture, labels and report; `look.weights` are the refined generator's, if they were accepted.

        Raises
        ------
        InputError
            When the outfit contradicts itself, a garment is too small in its photograph, an option is out of range, or
            the bundle has no programs to refine with.
        """
        refinement = self.refinement(person, garments, remove, options or _options(steps, time_budget))
        for step in refinement:
            if on_step is not None:
                on_step(step)
        return refinement.look()

    def refinement(
        self,
        person: Person,
        garments: Garment | Sequence[Garment],
        remove: str | Iterable[str] = (),
        options: RefinementOptions | None = None,
    ) -> Refinement:
        """Return a refinement to iterate over, step by step; see `refine`."""
        return self._refinement(TryOnRequest(person, garments, remove), options)

    def refine_many(
        self,
        requests: Sequence[TryOnRequest],
        *,
        options: RefinementOptions | None = None,
        together: int | None = None,
        on_step: Callable[[int, RefinementStep], object] | None = None,
    ) -> list[Look]:
        """Refine several requests side by side; each gets what it would get alone, to rounding.

        Parameters
        ----------
        requests
            Who is to wear what.
        options
            Of every one of them. A time budget counts from where the request's group began.
        together
            How many at a time. When None, as many as fit into half of the free memory; on a CPU, pictures larger than
            256×128 one by one, which is faster there.
        on_step
            Called with a request's number, from 0, and its step. What it raises ends all, and is raised here.

        Returns
        -------
        list
            A look for each request, in order.

        Raises
        ------
        InputError
            As for `refine`.
        """
        from .refinement.many import refine_groups

        started = refine_groups(requests, lambda request: self._refinement(request, options), together, on_step)
        return [refinement.look() for refinement in started]

    def _refinement(self, wanted: TryOnRequest, options: RefinementOptions | None) -> Refinement:
        from ..data.optional import require

        require("torch", extra="refine", purpose="refinement")
        from .refined_look import Refinement
        from .refinement.options import RefinementOptions
        from .refinement.session import RefinementSession

        options = options or RefinementOptions()
        if self._outfit is not None:
            raise InputError("an outfit is served, and refinement starts from the bundle's own; call serve(None) first")
        request = self._request(wanted.person, wanted.garments, wanted.remove)  # contradictions are told first
        # Loaded once, as the engines are: not what a request's time budget is for.
        programs = self._refinement_programs(options.precision)
        started = time.perf_counter()
        values = self._feed_forward(request)
        names = [garment.name for garment in request.garments]

        def finish(session: RefinementSession) -> Look:
            refined, clock = session.result(), StageClock(request.clock.stages)
            clock.stages["refinement"] = refined.seconds * 1000 - sum(clock.stages.values())
            values = session.tensors(clock.stage)
            return self._look(replace(request, clock=clock), values, session.report(), refined.weights)

        session = RefinementSession(self.engines, programs, values, options, names=names, started=started)
        return Refinement(session, finish)

    def serve(self, outfit: OutfitWeights | None) -> None:
        """Refit a refined outfit into the engine, so that it is dressed at engine speed; None takes it off again.

        Raises
        ------
        InputError
            When the outfit belongs to another bundle.
        GateError
            When the refitted engine disagrees with PyTorch on the sample people; the bundle's weights are put back.
        """
        from .refinement.refit import refit_generator

        wanted = outfit.weights(self.engines.bundle) if outfit is not None else {}  # refused before anything changes
        self._outfit, self._outfit_note = None, ""
        self._outfit_note = refit_generator(self.engines, wanted)
        self._outfit = outfit

    def close(self) -> None:
        """Close the engines."""
        self._programs = None
        self.engines.close()

    def _request(self, person: Person, garments: Garment | Sequence[Garment], remove: str | Iterable[str]) -> _Request:
        garments = [garments] if isinstance(garments, Garment) else list(garments)
        outfit = plan_outfit(
            garments, [remove] if isinstance(remove, str) else remove, owned=present_classes(person.labels)
        )
        return _Request(person, garments, outfit, StageClock())

    def _feed_forward(self, request: _Request) -> dict[str, Any]:
        """Return every tensor of the feed-forward pass by name, N = 1."""
        manifest = self.engines.bundle.manifest
        with request.clock.stage("fit"):
            inputs = build_request(request.person, request.garments, request.outfit, manifest.height, manifest.width)
        return self.engines.run(inputs, request.clock.stage)

    def _look(
        self,
        request: _Request,
        values: Mapping[str, Any],
        refinement: RefinementReport | None = None,
        weights: dict[str, Any] | None = None,
    ) -> Look:
        """Bring the frame back into the photograph, and report."""
        manifest, person = self.engines.bundle.manifest, request.person
        with request.clock.stage("restore"):
            box = photo_box(person, manifest.height, manifest.width)
            image, labels = restore_result(values["image"][0], values["labels"][0], person, request.outfit.source, box)
        notes = [
            *request.outfit.notes,
            *self._outfit_notes(request.outfit),
            *missing_body_maps(request.garments, manifest.conditioning, self._inputs),
            *refinement_notes(refinement),
        ]
        report = self._report(request, notes, differs(image, person.image), refinement)
        return Look(image, labels, report, weights)

    def _outfit_notes(self, wanted: Outfit) -> list[str]:
        """Return what to say about the outfit that is served."""
        if self._outfit is None:
            return []
        if self._outfit.source != tuple(wanted.source.tolist()):
            return [self._outfit_note, "the outfit that is served was refined for other classes than those worn here"]
        return [self._outfit_note]

    def _refinement_programs(self, precision: str) -> Programs:
        from .refinement.programs import ProgramsByPrecision

        with self._loading:
            if self._programs is None:
                self._programs = ProgramsByPrecision(self.engines)
            programs = self._programs
        return programs.load(precision)

    def _report(
        self,
        request: _Request,
        request_notes: list[str],
        changed: np.ndarray[Any, np.dtype[np.bool_]],
        refinement: RefinementReport | None,
    ) -> TryOnReport:
        clock = request.clock
        engines, manifest = self.engines, self.engines.bundle.manifest
        notes = [*request_notes, *engines.notes, *untrained_notes(manifest.trained)]
        return TryOnReport(
            engine=EngineReport(
                name=engines.chosen.candidate.engine,
                version=engines.chosen.version,
                device=engines.chosen.candidate.device,
                precision=engines.precision,
                not_used={a.candidate.label: a.reason or "" for a in engines.passed_over},
            ),
            bundle=BundleReport(
                name=manifest.name,
                preset=manifest.preset,
                height=manifest.height,
                width=manifest.width,
                identity=engines.bundle.identity,
                trained=manifest.trained,
            ),
            source=request.outfit.described(),
            stages_ms={name: round(ms, 3) for name, ms in clock.stages.items()},
            total_ms=round(sum(clock.stages.values()), 3),
            changed_share=round(float(changed.mean()), 4),
            notes=tuple(notes),
            refinement=refinement,
        )


@dataclass(frozen=True)
class _Request:
    """One request, and the clock that times it."""

    person: Person
    garments: list[Garment]
    outfit: Outfit
    clock: StageClock


def _options(steps: int, time_budget: float | None) -> RefinementOptions:
    from .refinement.options import RefinementOptions

    return RefinementOptions(steps=steps, time_budget=time_budget)
