"""How well a checkpoint's shape networks draw labels, before anything is exported."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..bundle.families import O_VITON
from ..data.classes import CLASS_NAMES
from ..data.images import UInt8Array
from ..networks.checkpoint import read_part
from ..networks.graphs import GraphSpec, graph_specs
from ..runtime.framed_photo import FramedPhoto
from ..runtime.outfit import plan_outfit
from ..runtime.photographs import build_request
from .label_metrics import iou, mean_iou, visible
from .triplets import Triplet


@dataclass(frozen=True)
class ShapeScore:
    """One triplet's numbers, each in [0, 1].

    Parameters
    ----------
    split, name
        The triplet.
    miou
        Mean IoU of the labels drawn over the classes of the truth.
    iou
        IoU of each class that was swapped.
    """

    split: str
    name: str
    miou: float
    iou: dict[str, float]


class ShapeNetworks:
    """The shape half of a checkpoint or bundle, run eagerly in FP32.

    Parameters
    ----------
    folder
        A checkpoint or a bundle.

    Raises
    ------
    InputError
        When the folder has no shape weights.
    """

    def __init__(self, folder: Path) -> None:
        self.config, weights, self.recipe = read_part(folder, "shape")
        if self.config.matches:
            matching, more, _ = read_part(folder, "correspondence")
            self.config, weights = dataclasses.replace(self.config, matcher=matching.matcher), {**weights, **more}
        self._graphs: list[tuple[GraphSpec, Any]] = []
        for spec in graph_specs(self.config)[: -len(O_VITON.after("shape_generator"))]:
            graph = spec.build(self.config)
            graph.load_state_dict({name: value for name, value in weights.items() if name.startswith(spec.name)})
            self._graphs.append((spec, graph))

    def labels(self, triplet: Triplet) -> UInt8Array:
        """Draw the labels of the person in the outfit, at the network's size: uint8 `[H, W]`."""
        outfit = plan_outfit(triplet.garments, triplet.remove)
        request = build_request(triplet.person, triplet.garments, outfit, self.config.height, self.config.width)
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in request.items()}
        with torch.inference_mode():
            for spec, graph in self._graphs:
                tensors[spec.outputs[0].name] = graph(*(tensors[each.name] for each in spec.inputs))
        found: UInt8Array = tensors["labels"][0].numpy()
        return found

    def score(self, triplet: Triplet) -> ShapeScore:
        """Measure one triplet against its true labels, fitted into the network's frame."""
        framed = FramedPhoto.of(triplet.person, self.config.height, self.config.width)
        truth, drawn = framed.fit_labels(triplet.true_labels), self.labels(triplet)
        swapped = {CLASS_NAMES[c]: iou(drawn, truth, c) for c in visible(truth, triplet.worn)}
        return ShapeScore(triplet.split, triplet.name, mean_iou(drawn, truth), swapped)
