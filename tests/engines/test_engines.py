"""Every engine that runs here, against ONNX Runtime and against PyTorch itself."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from oviton.bundle.bundle import Bundle
from oviton.bundle.parity import psnr
from oviton.bundle.samples import sample_requests
from oviton.data.errors import InputError
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.torch_engine import TorchEngine
from oviton.networks.graphs import AppearanceGeneratorGraph

ENGINES = {"onnxruntime": OnnxRuntimeEngine, "openvino": OpenVinoEngine, "torch": TorchEngine}


@pytest.fixture(params=ENGINES)
def make(request, tiny_bundle):
    made = []

    def load(graph, precision="fp32"):
        engine = ENGINES[request.param](tiny_bundle, tiny_bundle.manifest.graph(graph), precision)
        made.append(engine)
        return engine

    yield load
    for engine in made:
        engine.close()


@pytest.fixture(scope="module")
def feed(tiny_bundle, tiny_requests):
    """Every tensor of two requests, made by ONNX Runtime."""
    return run_all(tiny_bundle, tiny_requests)


def run_all(bundle, requests):
    values = dict(requests)
    for graph in bundle.manifest.graphs:
        with OnnxRuntimeEngine(bundle, graph, "fp32") as engine:
            values |= engine(**pick(values, engine))
    return values


def pick(feed, engine):
    return {spec.name: feed[spec.name] for spec in engine.inputs}


@pytest.mark.parametrize(
    "graph", ["shape_encoder", "shape_generator", "appearance_encoder", "appearance_generator", "compositor"]
)
def test_agrees_with_onnxruntime(make, feed, graph):
    engine = make(graph)
    outputs = engine(**pick(feed, engine))
    for spec in engine.outputs:
        found, expected = outputs[spec.name], feed[spec.name]
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        if found.dtype == np.float32:
            assert np.allclose(found, expected, atol=1e-5)
        else:
            assert psnr(found, expected) >= 45


@pytest.mark.parametrize("graph", ["shape_encoder", "shape_generator", "appearance_encoder", "appearance_generator"])
@pytest.mark.parametrize(("n", "m"), [(1, 8), (3, 2), (8, 1)])
def test_batches_are_independent_requests(make, tiny_bundle, sample_people, graph, n, m):
    """A silent miscompile at batch > 1 would show as a request that depends on its neighbours."""
    values = run_all(tiny_bundle, sample_requests(sample_people, 64, 32, n, m))
    engine = make(graph)
    (output,) = (spec.name for spec in engine.outputs)
    together = engine(**pick(values, engine))[output]
    for i in range(n):
        alone = engine(**{name: array[i : i + 1] for name, array in pick(values, engine).items()})[output]
        if together.dtype == np.float32:
            assert np.allclose(together[i : i + 1], alone, atol=1e-5)
        else:
            assert psnr(together[i : i + 1], alone) > 60


def test_refit_equals_pytorch_with_those_weights(make, feed, tiny_networks):
    engine = make("appearance_generator")
    before = engine(**pick(feed, engine))["generated"]
    networks = copy.deepcopy(tiny_networks)
    module = AppearanceGeneratorGraph(networks.config)
    module.appearance_generator = networks.appearance_generator
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_((parameter + torch.randn(parameter.shape, generator=generator) * 0.05).half())
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    assert set(weights) == set(engine.graph.parameters)

    engine.refit(weights)
    with torch.no_grad():
        expected = module(torch.from_numpy(feed["labels"]), torch.from_numpy(feed["appearance_codes"]))[0].numpy()
    after = engine(**pick(feed, engine))["generated"]
    assert psnr(after, expected) > 50
    assert psnr(after, before) < 40

    engine.refit({})
    assert np.array_equal(engine(**pick(feed, engine))["generated"], before)


def test_partial_refit_starts_from_the_bundles_weights(make, feed):
    engine = make("appearance_generator")
    before = engine(**pick(feed, engine))["generated"]
    names = [n for n in engine.graph.parameters if n.endswith("colour.bias")]
    engine.refit({"appearance_generator.colour.weight": np.zeros((3, 50, 1, 1), np.float32)})
    engine.refit({names[0]: np.full(3, 0.5, np.float32)})  # the first refit must be gone
    brighter = engine(**pick(feed, engine))["generated"]
    assert brighter.mean() > before.mean()
    assert np.corrcoef(brighter.ravel(), before.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("nobody.weight", np.zeros(3), "is none of its"),
        ("appearance_generator.colour.bias", np.zeros(4), r"has shape \[4\]; allowed: \[3\]"),
        ("appearance_generator.colour.bias", np.full(3, 1e6), "holds 1e\\+06; FP16 cannot"),
        ("appearance_generator.colour.bias", np.full(3, np.nan), "NaN or infinity"),
        ("appearance_generator.colour.bias", [0.0, 0.0, 0.0], "is list; allowed: an array"),
        ("appearance_generator.colour.bias", np.array(["a", "b", "c"]), "allowed: an array of numbers"),
        ("appearance_generator.colour.bias", np.full(3, 1j), "is complex128; allowed"),
    ],
)
def test_bad_refit_is_refused_and_changes_nothing(make, feed, name, value, problem):
    engine = make("appearance_generator")
    before = engine(**pick(feed, engine))["generated"]
    with pytest.raises(InputError, match=problem):
        engine.refit({name: value})
    assert np.array_equal(engine(**pick(feed, engine))["generated"], before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_refit_takes_what_refinement_produces(make, feed, dtype):
    engine = make("appearance_generator")
    before = engine(**pick(feed, engine))["generated"].mean()
    bias = torch.nn.Parameter(torch.full((3,), 0.5, dtype=dtype))
    engine.refit({"appearance_generator.colour.bias": bias})
    assert engine(**pick(feed, engine))["generated"].mean() > before


def test_refit_refuses_weights_that_were_changed_on_disk(bundle_copy):
    bundle = Bundle.open(bundle_copy)
    graph = bundle.manifest.graph("appearance_generator")
    with OnnxRuntimeEngine(bundle, graph, "fp32") as engine:
        path = bundle.graph_file(graph, "weights")
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with pytest.raises(InputError, match="it was changed"):
            engine.refit({})


def test_one_engine_serves_several_threads(make, feed):
    engine = make("compositor")
    with ThreadPoolExecutor(4) as pool:
        for outputs in pool.map(lambda _: engine(**pick(feed, engine)), range(16)):
            assert np.array_equal(outputs["image"], feed["image"])


def test_torch_tensors_in_torch_tensors_out(make, feed):
    engine = make("compositor")
    outputs = engine(**{name: torch.from_numpy(array) for name, array in pick(feed, engine).items()})
    assert isinstance(outputs["image"], torch.Tensor)
    assert np.array_equal(outputs["image"].numpy(), feed["image"])


def test_results_are_the_callers_own(make, feed):
    engine = make("compositor")
    first = engine(**pick(feed, engine))["image"]
    kept = first.copy()
    engine(**{**pick(feed, engine), "person_image": 255 - feed["person_image"]})
    assert np.array_equal(first, kept)


def test_strided_and_readonly_inputs(make, feed):
    engine = make("compositor")
    inputs = pick(feed, engine)
    frozen = inputs["person_image"].copy()
    frozen.setflags(write=False)
    flipped_twice = inputs["person_labels"][:, ::-1].copy()[:, ::-1]
    outputs = engine(**{**inputs, "person_image": frozen, "person_labels": flipped_twice})
    assert np.array_equal(outputs["image"], feed["image"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"labels": None}, r"missing inputs \['labels'\]"),
        ({"extra": np.zeros(1)}, r"unknown inputs \['extra'\]"),
        ({"labels": np.zeros((2, 64, 32), np.int64)}, r"labels is int64\[2, 64, 32\]; allowed: uint8\[N, 64, 32\]"),
        ({"labels": np.zeros((2, 64, 30), np.uint8)}, "labels is uint8"),
        ({"labels": np.zeros((3, 64, 32), np.uint8)}, "the same for all inputs"),
        ({"labels": torch.zeros(2, 64, 32, dtype=torch.uint8)}, "several array libraries"),
        ({"labels": [[0]]}, "labels is a list; allowed: a NumPy array"),
        ({"labels": np.full((2, 64, 32), 20, np.uint8)}, "labels holds 20; allowed: 0 to 19"),
        ({"source": np.full((2, 20), -2, np.int32)}, "source holds -2; allowed: -1 to"),
    ],
)
def test_inputs_that_do_not_fit_are_named(make, feed, change, problem):
    engine = make("compositor")
    inputs = {k: v for k, v in {**pick(feed, engine), **change}.items() if v is not None}
    with pytest.raises(InputError, match=problem):
        engine(**inputs)


def test_more_than_eight_requests_are_refused(make, feed):
    engine = make("compositor")
    inputs = {name: np.resize(array, (9, *array.shape[1:])) for name, array in pick(feed, engine).items()}
    with pytest.raises(InputError, match="N from 1 to 8"):
        engine(**inputs)


def test_unknown_precision_is_refused(make):
    with pytest.raises(InputError, match="has no precision 'int4'; allowed: fp32"):
        make("compositor", "int4")


def test_values_of_torch_tensors_are_checked_too(make, feed):
    engine = make("compositor")
    tensors = {name: torch.from_numpy(array) for name, array in pick(feed, engine).items()}
    tensors["labels"] = torch.full((2, 64, 32), 99, dtype=torch.uint8)
    with pytest.raises(InputError, match="labels holds 99; allowed: 0 to 19"):
        engine(**tensors)


def test_closed_engine_says_so(make, feed):
    engine = make("compositor")
    engine.close()
    engine.close()
    with pytest.raises(InputError, match="compositor is closed"):
        engine(**pick(feed, engine))
    with pytest.raises(InputError, match="compositor is closed"):
        engine.refit({})


def test_a_source_beyond_the_garments_is_refused(make, tiny_requests):
    engine = make("shape_encoder")
    inputs = {spec.name: tiny_requests[spec.name] for spec in engine.inputs}
    with pytest.raises(InputError, match="source holds 3; allowed: -1 to 2"):
        engine(**{**inputs, "source": np.full((2, 20), 3, np.int32)})


def test_fp16_graph_runs_and_is_close(tiny_bundle, feed):
    graph = tiny_bundle.manifest.graph("appearance_generator")
    with OnnxRuntimeEngine(tiny_bundle, graph, "fp16") as engine:
        assert psnr(engine(**pick(feed, engine))["generated"], feed["generated"]) >= 40
        engine.refit({"appearance_generator.colour.bias": np.full(3, 0.5, np.float32)})
        assert engine(**pick(feed, engine))["generated"].mean() > feed["generated"].mean()
