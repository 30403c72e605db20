"""The shipped weights in today's networks: they make the shipped pictures, and export as the shipped graphs.

Shipped graphs are only replaced on purpose, so the networks' code has to go on meaning what those graphs compute.
"""

from collections import Counter

import numpy as np
import onnx
import pytest
import torch

from oviton.bundle.bundle import Bundle
from oviton.bundle.families import O_VITON
from oviton.bundle.pipeline import Pipeline
from oviton.bundle.samples import read_samples, sample_requests
from oviton.export.onnx_graph import export_onnx
from oviton.export.programs import save_weights
from oviton.export.sources import graph_module
from oviton.export.tracing import TRACED_SIZES, dynamic_axes, example, trace
from oviton.networks.checkpoint import load_checkpoint
from oviton.networks.graphs import graph_specs
from oviton.runtime.dressing import Dressing, TryOnRequest
from oviton.runtime.framed_photo import FramedPhoto
from oviton.runtime.photographs import build_request, restore_result

from golden import goldens

GRAPHS = O_VITON.graphs


class Eager:
    """A graph in plain PyTorch, called as an engine is."""

    def __init__(self, networks, spec):
        self.module, self.inputs, self.outputs = graph_module(networks, spec), spec.inputs, spec.outputs

    def __call__(self, **inputs):
        with torch.no_grad():
            found = self.module(*(torch.tensor(inputs[tensor.name]) for tensor in self.inputs))
        listed = found if isinstance(found, tuple) else (found,)
        return {tensor.name: value.numpy() for tensor, value in zip(self.outputs, listed, strict=False)}


def shipped(name):
    """Return a shipped bundle and its networks, built anew with its weights."""
    bundle = Bundle.open(goldens.ROOT / "bundles" / name)
    return bundle, load_checkpoint(bundle.path)


def contents(path):
    """Return how many nodes of each kind a graph has, and how many bytes of constants."""
    graph = onnx.load(path, load_external_data=False).graph
    constants = sum(len(tensor.raw_data) for tensor in graph.initializer)
    return Counter(node.op_type for node in graph.node), constants


def marked(mark, *cases):
    return [pytest.param(*case, marks=mark) for case in cases]


@pytest.mark.parametrize(
    ("name", "request_name", "golden"),
    marked(pytest.mark.more, ("small", "top", "small"))
    + marked(pytest.mark.slow, *(("base", golden, golden) for golden in ("top", "outfit", "dress"))),
)
def test_shipped_weights_make_the_golden_pictures_in_plain_pytorch(name, request_name, golden):
    bundle, networks = shipped(name)
    height, width = bundle.manifest.height, bundle.manifest.width
    pipeline = Pipeline(O_VITON, {spec.name: Eager(networks, spec) for spec in graph_specs(networks.config)})
    planned = Dressing.plan(TryOnRequest(*goldens.requests()[request_name]))
    person, outfit = planned.person, planned.outfit
    values = pipeline.run(build_request(person, planned.garments, outfit, height, width))
    framed = FramedPhoto.of(person, height, width)
    image, labels = restore_result(values["image"][0], values["labels"][0], framed, outfit.source)
    known = goldens.committed(golden)
    assert np.array_equal(labels, known["labels"])
    # Processors round sums in their own order, and with them a place by a sixteenth of a pixel now and then.
    off = np.abs(image.astype(int) - known["image"])
    assert np.quantile(off, 0.999) <= 1
    assert off.max() <= 12


@pytest.mark.parametrize(
    ("name", "graph"),
    marked(pytest.mark.more, ("small", "shape_encoder"))
    + marked(pytest.mark.slow, *(("small", graph) for graph in GRAPHS[1:]), *(("base", graph) for graph in GRAPHS))
    + marked(pytest.mark.slow, ("small-codes", "appearance_generator")),
)
def test_shipped_weights_export_with_no_more_operators_than_shipped(name, graph, tmp_path):
    """Engines take as long as they did, and plans are as large, if graphs hold nothing new."""
    bundle, networks = shipped(name)
    spec = next(spec for spec in graph_specs(networks.config) if spec.name == graph)
    people = read_samples([bundle.path / sample for sample in bundle.manifest.samples])
    requests = sample_requests(people, bundle.manifest.height, bundle.manifest.width, *TRACED_SIZES)
    module, weights = graph_module(networks, spec), tmp_path / f"{graph}.safetensors"
    save_weights(module, weights)
    axes = {tensor.name: dynamic_axes(tensor) for tensor in spec.inputs}
    program = trace(module, tuple(example(tensor, requests) for tensor in spec.inputs), axes)
    export_onnx(program, spec, axes, tmp_path / f"{graph}.onnx", weights)
    (operators, constants), known = (contents(folder / f"{graph}.onnx") for folder in (tmp_path, bundle.path))
    assert not operators - known[0]
    assert constants <= known[1]
    if weights.is_file():
        assert weights.read_bytes() == (bundle.path / weights.name).read_bytes()
