"""The appearance generator with refined weights: one refitted engine an outfit, the last few kept ready."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...data.errors import InputError
from ...engines.engine import BaseEngine
from ...engines.engine_set import load_engine
from .answers import Arrays, answer
from .settings import ModelSettings, open_store

GRAPH = "appearance_generator"
OUTFIT = "outfit"
READY = 4
"""Refitted engines that are kept in memory."""


class OutfitModel:
    """What Triton calls for `appearance_generator_outfit`. Without requests it holds no engine."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Open the bundle and the store of outfits."""
        self._settings = ModelSettings.of(args)
        self._bundle = self._settings.bundle()
        self._store = open_store(self._settings, self._bundle.identity)
        self._ready: OrderedDict[str, BaseEngine] = OrderedDict()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Paint each request in its own outfit."""
        return [answer(request, self._paint) for request in requests]

    def finalize(self) -> None:
        """Release the engines."""
        for engine in self._ready.values():
            engine.close()

    def _paint(self, inputs: Arrays) -> Arrays:
        names = [_decoded(name) for name in inputs.pop(OUTFIT)[:, 0]]
        if len(set(names)) == 1:
            return self._engine(names[0])(**inputs)
        rows = [
            self._engine(name)(**{key: array[row : row + 1] for key, array in inputs.items()})
            for row, name in enumerate(names)
        ]
        return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}

    def _engine(self, name: str) -> BaseEngine:
        """Return the outfit's engine, refitted now if it is not ready."""
        if name in self._ready:
            self._ready.move_to_end(name)
            self._store.stamp(name)
            return self._ready[name]
        weights = self._store.open(name).weights(self._bundle)
        engine = load_engine(self._bundle, GRAPH, self._settings["engine"], self._settings["precision"])
        try:
            engine.refit(weights)
        except BaseException:
            engine.close()
            raise
        self._ready[name] = engine
        if len(self._ready) > READY:
            self._ready.popitem(last=False)[1].close()
        return engine


def _decoded(name: Any) -> str:
    try:
        return str(name.decode("ascii") if isinstance(name, bytes) else name)
    except UnicodeDecodeError:
        raise InputError("outfit: not ASCII; allowed: the 32 hexadecimal characters of an id") from None
