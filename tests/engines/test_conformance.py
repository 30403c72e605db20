"""What every engine has to do, whichever it is: all that are registered, and the one that docs/extending.md shows.

An engine that cannot run here is skipped with its reason. Another distribution's engines are checked too.
"""

import copy
import importlib.util
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from oviton.bundle.families import O_VITON
from oviton.bundle.parity import psnr
from oviton.bundle.samples import sample_requests
from oviton.data.errors import ClosedError, InputError
from oviton.engines import registry
from oviton.engines.loading import EngineOptions, Loading
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.plan_cache import PlanCache
from oviton.networks.graphs import AppearanceGeneratorGraph

EXAMPLE = "onnx-reference (cpu)"
GENERATOR = "appearance_generator"
GRAPHS = O_VITON.having(()).graphs
BIAS = "appearance_generator.colour.bias"
SMALL = list(itertools.product((1, 2), (1, 2)))
LARGE = [(1, 8), (3, 2), (8, 1)]


def _labels():
    """Every engine's name and device: those on a GPU are checked where there is one, one that compiles for minutes
    when there is time."""
    for label in dict.fromkeys([spec.label for spec in registry.specs()] + [EXAMPLE]):
        marks = [pytest.mark.gpu] if label.endswith("(cuda)") else []
        marks += [pytest.mark.slow] if label == "torch-compile (cpu)" else []
        yield pytest.param(label, marks=marks, id=label)


@pytest.fixture(scope="module", autouse=True)
def example(example_code, tmp_path_factory):
    """Import the page's engine, and forget it afterwards."""
    path = tmp_path_factory.mktemp("example") / "onnx_reference.py"
    path.write_text(example_code)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield
    for registered in module.OnnxReferenceEngine.specs:
        del registry._classes[registered]


@pytest.fixture(scope="module", params=_labels())
def available(request):
    spec = next(spec for spec in registry.specs() if spec.label == request.param)
    found = registry.availability(spec)
    if found.reason is not None:
        pytest.skip(found.reason)
    return found


@pytest.fixture(scope="module")
def load(available, tiny_bundle, tmp_path_factory):
    """Load a graph, to be closed by who asked for it."""
    cache = PlanCache(tmp_path_factory.mktemp("plans"))

    def load(graph, precision="fp32", **options):
        return Loading(tiny_bundle, available, precision, cache, EngineOptions(**options)).load(graph)

    return load


@pytest.fixture(scope="module")
def shared(load):
    """An engine of each graph that no check changes."""
    made = {}

    def engine(graph):
        if graph not in made:
            made[graph] = load(graph)
        return made[graph]

    yield engine
    for each in made.values():
        each.close()


@pytest.fixture
def own(load):
    """An engine of the generator for one check."""
    with load(GENERATOR) as engine:
        yield engine


@pytest.fixture(scope="module")
def feeds(tiny_bundle, sample_people):
    """Every tensor of requests of so many garments, made by ONNX Runtime."""
    made = {}

    def feed(requests, garments):
        if (requests, garments) not in made:
            values = dict(sample_requests(sample_people, 64, 32, requests, garments))
            for graph in tiny_bundle.manifest.graphs:
                with OnnxRuntimeEngine(tiny_bundle, graph, "fp32") as engine:
                    values |= engine(**pick(values, engine))
            made[requests, garments] = values
        return made[requests, garments]

    return feed


@pytest.fixture(scope="module")
def feed(feeds):
    return feeds(2, 2)


def pick(values, engine):
    return {spec.name: values[spec.name] for spec in engine.inputs}


def agree(found, expected, tolerance=1e-5):
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if found.dtype == np.float32:
        return np.allclose(found, expected, atol=tolerance)
    return psnr(found, expected) >= 45


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("sizes", SMALL, ids="{0[0]}x{0[1]}".format)
def test_its_answers_are_onnx_runtimes(available, shared, feeds, graph, sizes):
    engine, values = shared(graph), feeds(*sizes)
    outputs = engine(**pick(values, engine))
    assert outputs.keys() == {spec.name for spec in engine.outputs}
    for name, found in outputs.items():
        assert isinstance(found, np.ndarray)
        assert agree(found, values[name], 1e-5 if available.candidate.device == "cpu" else 1e-3)


@pytest.mark.parametrize("graph", GRAPHS[:-1])
@pytest.mark.parametrize("sizes", LARGE, ids="{0[0]}x{0[1]}".format)
def test_a_request_does_not_depend_on_its_neighbours(shared, feeds, graph, sizes):
    """A silent miscompile at batch > 1 would show here."""
    engine, inputs = shared(graph), pick(feeds(*sizes), shared(graph))
    (output,) = (spec.name for spec in engine.outputs)
    together = engine(**inputs)[output]
    for row in range(sizes[0]):
        alone = engine(**{name: array[row : row + 1] for name, array in inputs.items()})[output]
        assert agree(together[row : row + 1], alone)


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
def test_inputs_that_do_not_fit_are_named(shared, feed, change, problem):
    engine = shared("compositor")
    inputs = {k: v for k, v in {**pick(feed, engine), **change}.items() if v is not None}
    with pytest.raises(InputError, match=problem):
        engine(**inputs)


def test_a_source_beyond_the_garments_is_refused(shared, feed):
    engine = shared("shape_encoder")
    with pytest.raises(InputError, match="source holds 3; allowed: -1 to 2"):
        engine(**{**pick(feed, engine), "source": np.full((2, 20), 3, np.int32)})


def test_more_than_eight_requests_are_refused(shared, feed):
    engine = shared("compositor")
    inputs = {name: np.resize(array, (9, *array.shape[1:])) for name, array in pick(feed, engine).items()}
    with pytest.raises(InputError, match="N from 1 to 8"):
        engine(**inputs)


def test_values_of_torch_tensors_are_checked_too(shared, feed):
    engine = shared("compositor")
    tensors = {name: torch.from_numpy(array) for name, array in pick(feed, engine).items()}
    tensors["labels"] = torch.full((2, 64, 32), 99, dtype=torch.uint8)
    with pytest.raises(InputError, match="labels holds 99; allowed: 0 to 19"):
        engine(**tensors)


def test_torch_tensors_in_torch_tensors_out(shared, feed):
    engine = shared("compositor")
    outputs = engine(**{name: torch.from_numpy(array) for name, array in pick(feed, engine).items()})
    assert isinstance(outputs["image"], torch.Tensor)
    assert agree(outputs["image"].numpy(), feed["image"])


def test_results_are_the_callers_own(shared, feed):
    engine = shared("compositor")
    first = engine(**pick(feed, engine))["image"]
    kept = first.copy()
    other = engine(**{**pick(feed, engine), "person_image": 255 - feed["person_image"]})["image"]
    assert np.array_equal(first, kept)
    assert not np.array_equal(other, kept)


def test_strided_and_readonly_inputs(shared, feed):
    engine = shared("compositor")
    inputs = pick(feed, engine)
    frozen = inputs["person_image"].copy()
    frozen.setflags(write=False)
    flipped_twice = inputs["person_labels"][:, ::-1].copy()[:, ::-1]
    outputs = engine(**{**inputs, "person_image": frozen, "person_labels": flipped_twice})
    assert np.array_equal(outputs["image"], engine(**inputs)["image"])


def test_unknown_precision_is_refused(available, load):
    allowed = ", ".join(available.candidate.precisions)
    with pytest.raises(InputError, match=f"has no precision 'int4'; allowed: .*{allowed}"):
        load("compositor", "int4")


def test_a_number_of_threads_is_taken_or_refused(available, load, shared, feed):
    if not available.candidate.threads:
        with pytest.raises(InputError, match=r"threads: 1 given, but .* takes none; allowed: openvino and onnxruntime"):
            load(GENERATOR, threads=1)
        return
    with pytest.raises(InputError, match="threads: 0 given; allowed: at least 1"):
        load(GENERATOR, threads=0)
    with load(GENERATOR, threads=1) as one:
        inputs = pick(feed, one)
        assert agree(one(**inputs)["generated"], shared(GENERATOR)(**inputs)["generated"])


def test_refit_equals_pytorch_with_those_weights(own, feed, tiny_networks):
    before = own(**pick(feed, own))["generated"]
    networks = copy.deepcopy(tiny_networks)
    module = AppearanceGeneratorGraph(networks.config)
    module.appearance_generator = networks.appearance_generator
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_((parameter + torch.randn(parameter.shape, generator=generator) * 0.05).half())
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    assert set(weights) == set(own.graph.parameters)

    own.refit(weights)
    with torch.no_grad():
        expected = module(torch.from_numpy(feed["labels"]), torch.from_numpy(feed["appearance_codes"]))[0].numpy()
    after = own(**pick(feed, own))["generated"]
    assert psnr(after, expected) > 50
    assert psnr(after, before) < 40

    own.refit({})
    assert np.array_equal(own(**pick(feed, own))["generated"], before)


def test_partial_refit_starts_from_the_bundles_weights(own, feed):
    before = own(**pick(feed, own))["generated"]
    own.refit({"appearance_generator.colour.weight": np.zeros((3, 50, 1, 1), np.float32)})
    own.refit({BIAS: np.full(3, 0.5, np.float32)})  # the first refit must be gone
    brighter = own(**pick(feed, own))["generated"]
    assert brighter.mean() > before.mean()
    assert np.corrcoef(brighter.ravel(), before.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("nobody.weight", np.zeros(3), "is none of its"),
        (BIAS, np.zeros(4), r"has shape \[4\]; allowed: \[3\]"),
        (BIAS, np.full(3, 1e6), "holds 1e\\+06; FP16 cannot"),
        (BIAS, np.full(3, np.nan), "NaN or infinity"),
        (BIAS, [0.0, 0.0, 0.0], "is list; allowed: an array"),
        (BIAS, np.array(["a", "b", "c"]), "allowed: an array of numbers"),
        (BIAS, np.full(3, 1j), "is complex128; allowed"),
    ],
)
def test_bad_refit_is_refused_and_changes_nothing(shared, feed, name, value, problem):
    engine = shared(GENERATOR)
    before = engine(**pick(feed, engine))["generated"]
    with pytest.raises(InputError, match=problem):
        engine.refit({name: value})
    assert np.array_equal(engine(**pick(feed, engine))["generated"], before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_refit_takes_what_refinement_produces(own, shared, feed, dtype):
    own.refit({BIAS: torch.nn.Parameter(torch.full((3,), 0.5, dtype=dtype))})
    assert own(**pick(feed, own))["generated"].mean() > shared(GENERATOR)(**pick(feed, own))["generated"].mean()


def test_several_threads_get_the_serial_answers(shared, feed):
    engine = shared(GENERATOR)
    inputs = [{name: np.roll(array, turn, axis=0) for name, array in pick(feed, engine).items()} for turn in range(2)]
    serial = [engine(**each)["generated"] for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda turn: engine(**inputs[turn % 2])["generated"], range(8))
        for turn, found in enumerate(answers):
            assert np.array_equal(found, serial[turn % 2])


def test_during_a_refit_answers_are_of_the_old_weights_or_the_new(own, tiny_bundle, feed):
    inputs = pick(feed, own)
    stored = load_file(tiny_bundle.graph_file(own.graph, "weights"))
    other = {name: -value for name, value in stored.items()}
    old = own(**inputs)["generated"]
    own.refit(other)
    new = own(**inputs)["generated"]
    answers, done = [], threading.Event()

    def dress():
        while not done.is_set() or not answers:
            answers.append(own(**inputs)["generated"])

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(dress) for _ in range(2)]
        for weights in ({}, other, {}):
            own.refit(weights)
        done.set()
        for each in running:
            each.result()
    assert not np.array_equal(old, new)
    assert all(np.array_equal(found, old) or np.array_equal(found, new) for found in answers)
    assert np.array_equal(own(**inputs)["generated"], old)


def test_closed_engine_says_so(load, feed):
    engine = load("compositor")
    engine.close()
    engine.close()
    with pytest.raises(ClosedError, match="compositor is closed; load it again"):
        engine(**pick(feed, engine))
    with pytest.raises(ClosedError, match="compositor is closed"):
        engine.refit({})
