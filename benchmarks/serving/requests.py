"""Requests for the load programs: good ones with the answers of an engine in process, bad ones of twelve kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import TryOn
from ...bundle.samples import read_samples, sample_requests
from ...triton_models.client.tensors import Array, infer_request

PEOPLE = Path(__file__).parents[2] / "examples" / "people"
SHAPES = ((1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (3, 2), (8, 1))
"""Requests and garments of the good ones."""

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Good:
    """Arrays, and what they must give."""

    arrays: Arrays
    image: Array
    labels: Array

    def is_answered_by(self, outputs: Arrays) -> bool:
        """Whether an answer is right, bit for bit."""
        right = np.array_equal(outputs["image"], self.image) and np.array_equal(outputs["labels"], self.labels)
        return right and not outputs["input_flags"].any()


def single_request(local: TryOn) -> Arrays:
    """Return one request of one garment."""
    return _arrays(local, 1, 1)


def good_requests(local: TryOn) -> list[Good]:
    """Return requests of every shape with their answers."""
    found = []
    for requests, garments in SHAPES:
        arrays = _arrays(local, requests, garments)
        wanted = local.engines.run(arrays)
        found.append(Good(arrays, wanted["image"], wanted["labels"]))
    return found


def bad_requests(good: Arrays) -> dict[str, Any]:
    """Return one `ModelInferRequest` of each kind of mistake, made from a good request of two garments."""

    def changed(change: Callable[[Arrays], object]) -> Any:
        arrays = {name: array.copy() for name, array in good.items()}
        change(arrays)
        return infer_request("try_on", arrays)

    def put(name: str, value: int) -> Any:
        return changed(lambda arrays: arrays[name].flat.__setitem__(0, value))

    def replace(name: str, how: Callable[[Array], Array]) -> Any:
        return changed(lambda arrays: arrays.__setitem__(name, how(arrays[name])))

    short = infer_request("try_on", good)
    short.raw_input_contents[1] = short.raw_input_contents[1][:-5]
    return {
        "an input is missing": changed(lambda arrays: arrays.pop("source")),
        "an input too many": changed(lambda arrays: arrays.__setitem__("colour", arrays["source"])),
        "a wrong dtype": replace("source", lambda array: array.astype(np.float32)),
        "an axis is missing": replace("person_labels", lambda array: array[0]),
        "a wrong size": replace("person_image", lambda array: np.ascontiguousarray(array[:, :-8])),
        "content shorter than its shape": short,
        "a batch beyond the largest": changed(
            lambda arrays: arrays.update({name: array.repeat(9, axis=0) for name, array in arrays.items()})
        ),
        "batches of different size": replace("densepose", lambda array: array.repeat(2, axis=0)),
        "labels of fewer garments than pictures": replace("garment_labels", lambda array: array[:, :1].copy()),
        "a label id of 20": put("person_labels", 20),
        "a body part of 25": put("densepose", 25),
        "a source beyond the garments": put("source", 3),
    }


def _arrays(local: TryOn, requests: int, garments: int) -> Arrays:
    manifest = local.engines.bundle.manifest
    people = read_samples(sorted(PEOPLE.iterdir()))
    taken = {spec.name for graph in manifest.graphs for spec in graph.inputs}
    arrays = sample_requests(people, manifest.height, manifest.width, requests, garments)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items() if name in taken}
