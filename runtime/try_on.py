"""`TryOn`: a loaded bundle that dresses people."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..data.closeable import Closeable
from ..data.images import UInt8Array
from ..engines.engine_set import EngineSet, Progress
from ..engines.plan_cache import PlanCache
from ..export.bundle import Bundle
from .outfit import plan_outfit
from .person import Garment, Person
from .report import BundleReport, EngineReport, TryOnReport
from .requests import build_request, photo_box, restore_result

UNTRAINED_NOTE = "this bundle is untrained: its pictures show that the runtime works, not how good a try-on can be"


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
    """

    image: UInt8Array
    labels: UInt8Array
    report: TryOnReport


class TryOn(Closeable):
    """Dress people with a bundle's networks. Make one with `load`.

    Parameters
    ----------
    engines
        The loaded engines.
    """

    def __init__(self, engines: EngineSet) -> None:
        self.engines = engines

    @classmethod
    def load(
        cls,
        bundle: Path | str | None = None,
        engine: str = "auto",
        precision: str = "auto",
        *,
        cache: PlanCache | None = None,
        on_progress: Progress | None = None,
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

        Raises
        ------
        InputError
            When the bundle is unusable or the engine cannot run here.
        """
        return cls(EngineSet.load(Bundle.open(bundle), engine, precision, cache=cache, on_progress=on_progress))

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
        manifest = self.engines.bundle.manifest
        garments = [garments] if isinstance(garments, Garment) else list(garments)
        outfit = plan_outfit(
            garments, [remove] if isinstance(remove, str) else remove, owned=np.unique(person.labels).tolist()
        )
        clock = _StageClock()
        with clock.stage("fit"):
            request = build_request(person, garments, outfit, manifest.height, manifest.width)
        values = self.engines.run(request, clock.stage)
        with clock.stage("restore"):
            box = photo_box(person, manifest.height, manifest.width)
            image, labels = restore_result(values["image"][0], values["labels"][0], person, outfit.source, box)
        notes = [*outfit.notes, *_missing_body_maps(garments, manifest.conditioning)]
        report = self._report(clock, outfit.described(), notes, (image != person.image).any(axis=-1))
        return Look(image, labels, report)

    def close(self) -> None:
        """Close the engines."""
        self.engines.close()

    def _report(
        self,
        clock: _StageClock,
        source: dict[str, int],
        request_notes: list[str],
        changed: np.ndarray[Any, np.dtype[np.bool_]],
    ) -> TryOnReport:
        engines, manifest = self.engines, self.engines.bundle.manifest
        notes = [*request_notes, *engines.notes]
        if not manifest.is_trained:
            notes.append(UNTRAINED_NOTE)
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
            source=source,
            stages_ms={name: round(ms, 3) for name, ms in clock.stages.items()},
            total_ms=round(sum(clock.stages.values()), 3),
            changed_share=round(float(changed.mean()), 4),
            notes=tuple(notes),
        )


def _missing_body_maps(garments: Sequence[Garment], conditioning: str) -> list[str]:
    if conditioning != "surface":
        return []
    return [
        f"{garment.name} has no body map, so its texture cannot be carried over, only its mean colour"
        for garment in garments
        if garment.densepose is None
    ]


class _StageClock:
    def __init__(self) -> None:
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.stages[name] = (time.perf_counter() - started) * 1000
