"""What only the OpenVINO engine does: a plan for each number of garments, and batches request by request."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from oviton.bundle.samples import sample_requests
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.plan_cache import PlanCache


@pytest.fixture
def cache(tmp_path):
    return PlanCache(tmp_path)


@pytest.fixture(scope="module")
def graph(tiny_bundle):
    return tiny_bundle.manifest.graph("appearance_encoder")


@pytest.fixture(scope="module")
def inputs(sample_people, graph):
    """Three requests' inputs of the graph, by number of garments."""
    return {
        m: {spec.name: requests[spec.name] for spec in graph.inputs}
        for m in (1, 2, 3)
        for requests in [sample_requests(sample_people, 64, 32, 3, m)]
    }


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_batch_is_bit_for_bit_its_requests(tiny_bundle, graph, inputs, precision):
    if precision == "bf16" and not OpenVinoEngine.has_bf16():
        pytest.skip("this processor has no bf16")
    with OpenVinoEngine(tiny_bundle, graph, precision) as engine:
        together = engine(**inputs[2])["appearance_codes"]
        for row in range(3):
            alone = engine(**{name: array[row : row + 1] for name, array in inputs[2].items()})["appearance_codes"]
            assert np.array_equal(together[row : row + 1], alone)


def test_each_number_of_garments_has_a_plan_that_is_kept(tiny_bundle, graph, inputs, cache):
    with (
        OpenVinoEngine(tiny_bundle, graph, "fp32", cache) as engine,
        OnnxRuntimeEngine(tiny_bundle, graph, "fp32") as reference,
    ):
        for garments in (3, 1, 2, 3):
            found = engine(**inputs[garments])["appearance_codes"]
            assert np.allclose(found, reference(**inputs[garments])["appearance_codes"], atol=1e-5)
    sidecars = [json.loads(path.read_text()) for path in cache.root.glob("*.json")]
    assert sorted(sidecar["key"]["profile"] for sidecar in sidecars) == ["N=1,M=1", "N=1,M=2", "N=1,M=3"]


def test_a_refit_is_of_every_number_of_garments(tiny_bundle, graph, inputs, cache):
    name, *_ = graph.parameters
    with (
        OpenVinoEngine(tiny_bundle, graph, "fp32", cache) as engine,
        OnnxRuntimeEngine(tiny_bundle, graph, "fp32") as reference,
    ):
        before = {m: engine(**inputs[m])["appearance_codes"] for m in (1, 2)}
        shape = load_file(tiny_bundle.graph_file(graph, "weights"))[name].shape
        for each in (engine, reference):
            each.refit({name: np.full(shape, 0.05, np.float32)})
        for m in (1, 2, 3):
            found = engine(**inputs[m])["appearance_codes"]
            assert np.allclose(found, reference(**inputs[m])["appearance_codes"], atol=1e-5)
        engine.refit({})
        for m, expected in before.items():
            assert np.array_equal(engine(**inputs[m])["appearance_codes"], expected)
