"""Calibration against PyTorch's own hooks, and what a manifest says of it."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from oviton.bundle.manifest import GraphEntry
from oviton.bundle.programs import load_program
from oviton.bundle.samples import read_samples, sample_requests
from oviton.export.calibration import measure_ranges
from oviton.export.exporter import CALIBRATION_SIZE
from oviton.networks.checkpoint import load_checkpoint
from oviton.networks.graphs import graph_specs


@pytest.fixture(scope="module")
def requests(tiny_bundle):
    """Every tensor of the requests that an export calibrates on, from the `.pt2` programs."""
    values = dict(sample_requests(read_samples(tiny_bundle.sample_folders), 64, 32, *CALIBRATION_SIZE))
    for graph in tiny_bundle.manifest.graphs[:3]:
        program = load_program(
            tiny_bundle.graph_file(graph, "pt2"), tiny_bundle.graph_file(graph, "weights") if graph.parameters else None
        )
        with torch.inference_mode():
            outputs = program(*(torch.from_numpy(np.array(values[spec.name])) for spec in graph.inputs))
        listed = outputs if isinstance(outputs, tuple | list) else (outputs,)
        values |= {spec.name: out.numpy() for spec, out in zip(graph.outputs, listed, strict=False)}
    return values


def test_ranges_are_those_of_what_enters_pytorchs_convolutions(tiny_bundle, requests):
    graph = tiny_bundle.manifest.graph("appearance_generator")
    networks = load_checkpoint(tiny_bundle.path)
    spec = next(s for s in graph_specs(networks.config) if s.name == "appearance_generator")
    module = spec.build(networks.config)
    module.appearance_generator = networks.appearance_generator
    seen: dict[int, list[float]] = {}

    def note(layer, inputs):
        low, high = seen.setdefault(id(layer), [0.0, 0.0])
        seen[id(layer)] = [min(low, float(inputs[0].min())), max(high, float(inputs[0].max()))]

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(note)
    with torch.inference_mode():
        module(*(torch.from_numpy(requests[spec.name]) for spec in graph.inputs))
    found = measure_ranges(tiny_bundle.graph_file(graph, "onnx_fp32"), requests)
    expected = {tuple(np.round(pair, 3)) for pair in seen.values()}
    assert {tuple(np.round(pair, 3)) for pair in found.values()} == expected


def test_an_export_calibrates_the_appearance_generator_alone(tiny_bundle, requests):
    for graph in tiny_bundle.manifest.graphs:
        assert bool(graph.activation_ranges) == (graph.name == "appearance_generator")
    graph = tiny_bundle.manifest.graph("appearance_generator")
    found = measure_ranges(tiny_bundle.graph_file(graph, "onnx_fp32"), requests)
    assert found.keys() == graph.activation_ranges.keys()
    for name, pair in found.items():
        assert np.allclose(pair, graph.activation_ranges[name], atol=1e-4)


def test_calibration_leaves_no_file_behind(tiny_bundle, requests):
    before = sorted(path.name for path in tiny_bundle.path.iterdir())
    graph = tiny_bundle.manifest.graph("appearance_generator")
    measure_ranges(tiny_bundle.graph_file(graph, "onnx_fp32"), requests)
    assert sorted(path.name for path in tiny_bundle.path.iterdir()) == before


@pytest.mark.parametrize("pair", [(1.0, 2.0), (0.0, 0.0), (float("nan"), 1.0), (-1.0, float("inf"))])
def test_a_manifest_with_an_impossible_range_is_refused(tiny_bundle, pair):
    values = tiny_bundle.manifest.graph("appearance_generator").model_dump()
    with pytest.raises(ValidationError, match="activation range of 'relu'"):
        GraphEntry.model_validate(values | {"activation_ranges": {"relu": pair}})


def test_a_graph_that_is_not_calibrated_says_nothing_of_ranges(tiny_bundle):
    # Manifests from before calibration keep their digests.
    assert "activation_ranges" not in tiny_bundle.manifest.graph("compositor").model_dump(mode="json")
