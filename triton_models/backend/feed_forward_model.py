"""All graphs of a bundle in one process: what answers every feed-forward request of an embedded repository.

One process, because on a CPU steps that are processes of their own cost more than they bring: pictures are copied from
one to the next, and each process has threads of its own for the same cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...data.errors import InputError
from ...engines.engine_set import load_engine
from ..codes import (
    APPEARANCE_CODES,
    CLASSES,
    CODES,
    ENCODER_PREFIX,
    ENCODERS,
    SHAPE_CODES,
    WEAR,
    codes_steps,
    encoder_steps,
)
from ..codes_rules import merge_codes, unseen
from ..input_check import CHECKED_SOURCE, OUTPUT, SOURCE
from ..layout import RESULTS, Step, graph_steps, outer_inputs
from .answers import Arrays, answer
from .checks import check, prepared_codes, prepared_garment
from .outfit_engines import GRAPH, OUTFIT, OutfitEngines
from .settings import ModelSettings


class FeedForwardModel:
    """What Triton calls for `feed_forward`. Which ensemble asks shows in the inputs that come."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Load every engine that the configuration names."""
        settings = ModelSettings.of(args)
        bundle = settings.bundle()
        names = [graph.name for graph in bundle.manifest.graphs]
        self._engines = {
            name: load_engine(bundle, name, settings["engine"], settings["precision"], threads=settings.threads)
            for name in names
        }
        self._manifest = bundle.manifest
        self._dressing = _names(graph_steps(bundle.manifest))
        self._dressing_in_codes = _names(codes_steps(bundle.manifest))
        self._encoding = _names(encoder_steps(bundle.manifest))
        self._outfits = OutfitEngines(settings, bundle) if "outfits" in settings.values else None

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Run each request by itself, so that an answer never depends on who else asked."""
        return [answer(request, self._run) for request in requests]

    def finalize(self) -> None:
        """Release the engines."""
        for engine in self._engines.values():
            engine.close()
        if self._outfits is not None:
            self._outfits.close()

    def _run(self, inputs: Arrays) -> Arrays:
        if ENCODER_PREFIX + WEAR in inputs:
            named = {name.removeprefix(ENCODER_PREFIX): array for name, array in inputs.items()}
            _demand(self._encoding, named)
            return {ENCODER_PREFIX + name: array for name, array in self._encode(named).items()}
        if SHAPE_CODES in inputs:
            _demand(self._dressing_in_codes, inputs)
            return self._dress_in_codes(inputs)
        _demand(self._dressing, inputs)
        flags = check({name: array for name, array in inputs.items() if name != OUTFIT})
        return self._results(flags, self._generate(inputs, list(self._engines)))

    def _dress_in_codes(self, inputs: Arrays) -> Arrays:
        """Encode the person alone and take the garments' codes as they come."""
        prepared = prepared_codes(inputs)
        blank = {"garment_images": prepared["blank_images"], "garment_labels": prepared["blank_labels"]}
        own = self._generate({**inputs, **blank, SOURCE: prepared["person_source"]}, ENCODERS)
        codes = {f"person_{name}": own[name] for name in ("shape_codes", "appearance_codes")}
        places = {SOURCE: prepared[CHECKED_SOURCE], "code_rows": prepared["code_rows"]}
        merged = merge_codes({**inputs, **codes, **places})
        rest = [name for name in self._engines if name not in ENCODERS]
        values = {**inputs, **merged, **unseen(inputs, self._manifest)}
        return self._results(prepared[OUTPUT], self._generate(values, rest))

    def _encode(self, inputs: Arrays) -> Arrays:
        """Encode a garment alone, as the photograph of a blank person."""
        prepared = prepared_garment(inputs)
        values = self._generate(
            {
                "person_image": prepared["blank_image"],
                "person_labels": prepared["blank_labels"],
                "garment_images": prepared["encoded_images"],
                "garment_labels": prepared["encoded_labels"],
                SOURCE: prepared["encoded_source"],
            },
            ENCODERS,
        )
        codes = {SHAPE_CODES: values["shape_codes"], APPEARANCE_CODES: values["appearance_codes"]}
        answered = {**codes, CLASSES: prepared[CLASSES]}
        return {OUTPUT: prepared[OUTPUT], **{name: answered[name] for name in CODES}}

    def _generate(self, inputs: Arrays, graphs: Sequence[str]) -> Arrays:
        """Run graphs one after the other; return what they took and made."""
        values = dict(inputs)
        for name in graphs:
            engine = self._engines[name]
            taken = {spec.name: values[spec.name] for spec in engine.inputs}
            if name == GRAPH and OUTFIT in inputs and self._outfits is not None:
                values |= self._outfits.paint(inputs[OUTFIT], taken)
            else:
                values |= engine(**taken)
        return values

    @staticmethod
    def _results(flags: Any, values: Arrays) -> Arrays:
        return {OUTPUT: flags, **{name: values[name] for name in RESULTS}}


def _names(steps: Sequence[Step]) -> frozenset[str]:
    return frozenset(spec.name for spec in outer_inputs(steps))


def _demand(needed: frozenset[str], inputs: Arrays) -> None:
    """Refuse a request that leaves an input out; an ensemble never does, a client that goes past it may."""
    missing = sorted(needed - inputs.keys())
    if missing:
        raise InputError(f"input {missing[0]} is missing; call one of the ensembles, which say what they take")
