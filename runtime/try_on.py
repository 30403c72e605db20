"""`TryOn`: a loaded bundle that dresses people."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..bundle.bundle import Bundle
from ..data.closeable import Closeable
from ..data.errors import ClosedError
from ..data.optional import require
from ..engines.engine_set import EngineSet
from ..engines.loading import Progress
from ..engines.plan_cache import PlanCache
from .dressing import Dressing, Look, TryOnRequest
from .person import Garment, Person
from .refined_generator import RefinedGenerator
from .report import setting_of

if TYPE_CHECKING:
    from .refined_look import Refinement
    from .refinement.options import RefinementOptions
    from .refinement.programs import ProgramsByPrecision
    from .refinement.refined_weights import RefinedWeights
    from .refinement.step import RefinementStep


class TryOn(Closeable):
    """Dress people with a bundle's networks. Make one with `load`.

    Threads may share one: each call gets the answer that it would get alone, and a call that runs while `load_weights`
    does wears either what was loaded before or what is loaded now.

    Parameters
    ----------
    engines
        The loaded engines.

    Examples
    --------
    >>> with TryOn.load() as tryon:
    ...     look = tryon(Person.open("person/"), [Garment.open("shirt/", wear="upper_clothes")])
    >>> look.image.dtype, look.report.source["upper_clothes"]
    (dtype('uint8'), 1)
    """

    def __init__(self, engines: EngineSet) -> None:
        self.engines = engines
        self.setting = setting_of(engines)
        self._programs: ProgramsByPrecision | None = None
        self._refined: RefinedGenerator | None = None
        self._loading = threading.Lock()
        self._closed = False

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
            The bundle's folder. Default: the shipped one.
        engine
            An engine's name. Default: ``"auto"``, the best that runs here.
        precision
            A precision of that engine. Default: ``"auto"``, the fastest that passes its gate.
        cache
            Where compiled plans are kept. Default: the user's cache folder.
        on_progress
            Called with what is being loaded. Default: nothing is told.
        threads
            How many CPU threads a graph runs on, for `openvino` and `onnxruntime`. Default: all cores. Two try-ons of
            one thread each, side by side, do more on two cores than one of two threads.

        Raises
        ------
        InputError
            When the bundle is unusable, or engine or precision is unknown.
        EngineError
            When the engine, or for ``"auto"`` any, cannot run here.
        GateError
            When an engine or precision asked for by name disagrees with FP32 on this machine.
        """
        opened = Bundle.open(bundle)
        opened.manifest.steps.require("try-on")
        return cls(EngineSet.load(opened, engine, precision, cache=cache, on_progress=on_progress, threads=threads))

    def __call__(self, person: Person, garments: Garment | Sequence[Garment], remove: str | Iterable[str] = ()) -> Look:
        """Dress a person.

        Parameters
        ----------
        person
            The person to dress.
        garments
            The photographs of what to wear, each with the classes taken from it.
        remove
            Names of garment classes to take off, comma separated or one by one. Default: none.

        Returns
        -------
        Look
            Picture, labels and report.

        Raises
        ------
        InputError
            When the outfit contradicts itself.
        ClosedError
            When this was closed.
        """
        dressing = self._plan(TryOnRequest(person, garments, remove))
        refined = self._refined  # one reading: weights may be loaded meanwhile
        pipeline = self.engines.pipeline if refined is None else refined.pipeline(self.engines)
        values = pipeline.run(dressing.arrays(self.setting), stage=dressing.clock.stage)
        notes = [] if refined is None else refined.notes(tuple(dressing.outfit.source.tolist()))
        return dressing.look(self.setting, values, notes)

    def refine(
        self,
        person: Person,
        garments: Garment | Sequence[Garment],
        remove: str | Iterable[str] = (),
        *,
        steps: int | None = None,
        time_budget: float | None = None,
        on_step: Callable[[RefinementStep], object] | None = None,
        options: RefinementOptions | None = None,
    ) -> Look:
        """Dress a person, then optimise the appearance generator on this very request.

        Ends with the better of the refined and the feed-forward result. It starts from the bundle's weights, whatever
        `load_weights` loaded, and its weights are this request's own.

        Parameters
        ----------
        person, garments, remove
            As when called.
        steps
            At most so many optimiser steps. Default: 40.
        time_budget
            At most so many seconds. Default: no limit.
        on_step
            Called after each step. What it raises ends the refinement, and is raised here. Default: nothing is told.
        options
            All options at once, instead of `steps` and `time_budget`.

        Returns
        -------
        Look
            Picture, labels and report; `look.weights` are the refined generator's, if they were accepted.

        Raises
        ------
        InputError
            When the outfit contradicts itself, a garment is too small in its photograph, an option is out of range or
            given twice, or the bundle has no programs to refine with.
        ClosedError
            When this was closed.
        """
        from .refinement.options import resolve_options

        refinement = self.refinement(person, garments, remove, resolve_options(steps, time_budget, options))
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
            The requests, in order.
        options
            The options of every request. A time budget counts from where the request's group began. Default: 40 steps.
        together
            How many are refined at a time. Default: as many as fit into half of the free memory; on a CPU, pictures
            larger than 256×128 one by one, which is faster there.
        on_step
            Called with a request's number, from 0, and its step. What it raises ends all, and is raised here.

        Returns
        -------
        list
            A look for each request, in order.

        Raises
        ------
        InputError, ClosedError
            As for `refine`.
        """
        from .refinement.many import refine_groups

        refined = refine_groups(requests, lambda request: self._refinement(request, options), together, on_step)
        return [refinement.look() for refinement in refined]

    def load_weights(self, outfit: RefinedWeights | None) -> None:
        """Wear a refined outfit from now on, at engine speed; None goes back to the bundle's own weights.

        Raises
        ------
        InputError
            When the outfit belongs to another bundle; what is worn stays.
        GateError
            When the engine with these weights disagrees with PyTorch on the sample people; what is worn stays.
        ClosedError
            When this was closed.
        """
        self._check_open()
        # What was worn before is not closed: another thread may be dressed in it right now.
        self._refined = RefinedGenerator.load(self.engines, outfit) if outfit is not None else None

    def close(self) -> None:
        """Close the engines; nothing can be dressed afterwards."""
        self._closed = True
        self._programs = None
        if self._refined is not None:
            self._refined.engine.close()
        self.engines.close()

    def _plan(self, request: TryOnRequest) -> Dressing:
        self._check_open()
        dressing = Dressing.plan(request)
        if len(dressing.garments) > 1:
            self.engines.bundle.manifest.steps.require("several garments")
        return dressing

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this TryOn is closed; load a new one")

    def _refinement(self, request: TryOnRequest, options: RefinementOptions | None) -> Refinement:
        self.engines.bundle.manifest.steps.require("refinement")
        require("torch", extra="refine", purpose="refinement")
        from .refined_look import Refinement
        from .refinement.options import RefinementOptions
        from .refinement.programs import ProgramsByPrecision
        from .refinement.session import RefinementSession

        options = options or RefinementOptions()
        dressing = self._plan(request)  # contradictions are told before programs load
        with self._loading:
            if self._programs is None:
                self._programs = ProgramsByPrecision(self.engines)
            store = self._programs
        # Loaded once, as the engines are: not what a request's time budget is for.
        programs = store.load(options.precision)
        started = time.perf_counter()
        values = self.engines.run(dressing.arrays(self.setting), dressing.clock.stage)
        names = [garment.name for garment in dressing.garments]
        session = RefinementSession(self.engines, programs, values, options, names=names, started=started)
        return Refinement(session, dressing, self.setting)
