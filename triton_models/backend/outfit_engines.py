"""The appearance generator with refined weights: one refitted engine an outfit, the last few kept ready."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...bundle.bundle import Bundle
from ...bundle.manifest import TensorSpec
from ...data.closeable import Closeable
from ...data.errors import InputError
from ...engines.engine import BaseEngine
from ...engines.engine_set import load_engine
from .answers import Arrays
from .settings import ModelSettings, open_store

OUTFIT = "outfit"
READY = 4
"""Refitted engines that are kept in memory."""


class OutfitEngines(Closeable):
    """Paints in refined outfits. Until it is asked to, it holds no engine.

    Parameters
    ----------
    settings
        Of the model that it is a part of.
    bundle
        The bundle.
    """

    def __init__(self, settings: ModelSettings, bundle: Bundle) -> None:
        refined = bundle.manifest.steps.refined
        assert refined is not None
        self._settings, self._bundle, self._graph = settings, bundle, refined
        self._store = open_store(settings, bundle.identity)
        self._ready: OrderedDict[str, BaseEngine] = OrderedDict()

    def worn(self, outfits: Any) -> dict[str, _Worn]:
        """Return the generator, by its name, in a request's outfits; see `paint`."""
        return {self._graph: _Worn(self, outfits, self._bundle.manifest.graph(self._graph).inputs)}

    def paint(self, outfits: Any, inputs: Arrays) -> Arrays:
        """Run the generator, each row of a batch in its own outfit.

        Parameters
        ----------
        outfits
            BYTES `[N, 1]`: ids.
        inputs
            Of the generator.

        Raises
        ------
        InputError
            When an id is none, or its outfit is not kept.
        """
        names = [_decoded(name) for name in outfits[:, 0]]
        if len(set(names)) == 1:
            return self._engine(names[0])(**inputs)
        rows = [
            self._engine(name)(**{key: array[row : row + 1] for key, array in inputs.items()})
            for row, name in enumerate(names)
        ]
        return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}

    def close(self) -> None:
        """Release the engines."""
        for engine in self._ready.values():
            engine.close()

    def _engine(self, name: str) -> BaseEngine:
        """Return the outfit's engine, refitted now if it is not ready."""
        if name in self._ready:
            self._ready.move_to_end(name)
            self._store.stamp(name)
            return self._ready[name]
        weights = self._store.open(name).weights(self._bundle)
        told = self._settings
        engine = load_engine(self._bundle, self._graph, told["engine"], told["precision"], threads=told.threads)
        try:
            engine.refit(weights)
        except BaseException:
            engine.close()
            raise
        self._ready[name] = engine
        if len(self._ready) > READY:
            self._ready.popitem(last=False)[1].close()
        return engine


@dataclass(frozen=True)
class _Worn:
    """The generator in a request's outfits, called as an engine is."""

    engines: OutfitEngines
    outfits: Any
    inputs: tuple[TensorSpec, ...]

    def __call__(self, **inputs: Any) -> Mapping[str, Any]:
        return self.engines.paint(self.outfits, inputs)


def _decoded(name: Any) -> str:
    try:
        return str(name.decode("ascii") if isinstance(name, bytes) else name)
    except UnicodeDecodeError:
        raise InputError("outfit: not ASCII; allowed: the 32 hexadecimal characters of an id") from None
