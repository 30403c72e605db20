"""INT8 convolutions against naive rounding in NumPy, and as a whole against FP32."""

import dataclasses
import json

import numpy as np
import openvino as ov
import pytest
import torch
from safetensors.numpy import load_file
from torch.nn import functional as F

from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.bundle.parity import psnr
from oviton.bundle.samples import read_samples, sample_requests
from oviton.data.errors import GateError, InputError
from oviton.engines import openvino_engine
from oviton.engines.engine_set import EngineSet
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.openvino_int8 import quantize_convolutions
from oviton.engines.plan_cache import PlanCache

pytestmark = pytest.mark.skipif(not OpenVinoEngine.has_int8(), reason="INT8 is for x86 processors")

ops = ov.opset13


@pytest.fixture(scope="module")
def graph(tiny_bundle):
    return tiny_bundle.manifest.graph("appearance_generator")


@pytest.fixture(scope="module")
def feed(tiny_bundle, graph):
    """Two requests of two garments, as they reach the appearance generator."""
    values = dict(sample_requests(read_samples(tiny_bundle.sample_folders), 64, 32, 2, 2))
    for each in tiny_bundle.manifest.graphs[:3]:
        with OnnxRuntimeEngine(tiny_bundle, each, "fp32") as engine:
            values |= engine(**{spec.name: values[spec.name] for spec in each.inputs})
    return {spec.name: values[spec.name] for spec in graph.inputs}


def _model(*weights, shuffle=False):
    """Return a model of convolutions one after the other, with named inputs, and a pixel shuffle after the first."""
    x = parameter = ops.parameter([1, weights[0].shape[1], 6, 6], np.float32)
    parameter.output(0).set_names({"x0"})
    for index, weight in enumerate(weights):
        x = ops.convolution(x, ops.constant(weight), [1, 1], [0, 0], [0, 0], [1, 1])
        if shuffle and index == 0:
            x = ops.depth_to_space(x, "blocks_first", 2)
        x.output(0).set_names({f"x{index + 1}"})
    return ov.Model([x], [parameter], "convolutions")


def _run(model, x):
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]


def _rounded(x, low, high, levels):
    step = (high - low) / (levels - 1)
    return np.round((np.clip(x, low, high) - low) / step) * step + low


HALF = pytest.param(True, id="half of the weights' range")
WHOLE = pytest.param(
    False,
    id="their whole range",
    marks=pytest.mark.skipif(OpenVinoEngine.saturates_int8(), reason="INT8 products overflow on this processor"),
)


@pytest.mark.parametrize("saturates", [HALF, WHOLE])
def test_a_convolution_is_that_of_rounded_values(saturates):
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 3, (1, 4, 6, 6)).astype(np.float32)
    weight = rng.normal(size=(5, 4, 3, 3)).astype(np.float32) * np.array([1, 10, 0.1, 0, 1]).reshape(-1, 1, 1, 1)
    weight = weight.astype(np.float32)
    model = _model(weight)
    quantize_convolutions(model, {"x0": (-1.0, 2.0)}, saturates=saturates)  # what lies above 2 is clipped
    largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    largest[largest == 0] = 1
    largest *= 1 + saturates
    expected = F.conv2d(
        torch.from_numpy(_rounded(x, -1, 2, 256)).double(),
        torch.from_numpy(_rounded(weight, -largest, largest, 255)).double(),
    ).numpy()
    exact = F.conv2d(torch.from_numpy(x.clip(-1, 2)), torch.from_numpy(weight)).numpy()
    found = _run(model, x)
    for channel in range(5):
        scale = max(np.abs(exact[:, channel]).max(), 1e-6)
        # A value between two steps may fall to either; one step of one value is far less than rounding as a whole.
        assert np.abs(found - expected)[:, channel].max() <= 0.004 * (1 + saturates) * scale
    assert np.abs(found - exact).max() > 0.001 * np.abs(exact).max()


def test_no_pair_of_products_overflows():
    """The largest weights and values throughout: what adds pairs in 16 bits must not clip them."""
    weight = np.full((8, 16, 3, 3), 0.5, np.float32)
    model = _model(weight)
    quantize_convolutions(model, {"x0": (0.0, 1.0)}, saturates=OpenVinoEngine.saturates_int8())
    assert np.allclose(_run(model, np.ones((1, 16, 6, 6), np.float32)), 0.5 * 16 * 9, rtol=0.01)


@pytest.mark.parametrize("saturates", [HALF, WHOLE])
def test_scales_survive_a_pixel_shuffle(saturates):
    rng = np.random.default_rng(4)
    first = (rng.normal(size=(8, 3, 3, 3)) * rng.uniform(0.5, 2, (8, 1, 1, 1))).astype(np.float32)
    second = rng.normal(size=(4, 2, 3, 3)).astype(np.float32)
    x = rng.uniform(-1, 1, (1, 3, 6, 6)).astype(np.float32)
    exact = _run(_model(first, second, shuffle=True), x)
    model = _model(first, second, shuffle=True)
    quantize_convolutions(model, {"x0": (-1.0, 1.0), "x1": (-30.0, 30.0)}, saturates=saturates)
    found = _run(model, x)
    assert 1e-4 < np.abs(found - exact).max() / np.abs(exact).max() < 0.05


@pytest.mark.parametrize("others", [False, True])
def test_what_is_selected_is_rounded_before_unless_others_see_it(others):
    """A table's rows, cut: in INT8 when only the convolution sees them, and exact for anyone else."""
    rng = np.random.default_rng(5)
    table, more = ops.parameter([9, 6, 6], np.float32), ops.parameter([1, 3, 6, 4], np.float32)
    rows = ops.unsqueeze(ops.gather(table, ops.constant([2, 7, 4]), ops.constant(0)), ops.constant(0))
    cut = ops.slice(rows, ops.constant([1]), ops.constant([5]), ops.constant([1]), ops.constant([3]))
    again = ops.slice(cut, ops.constant([0]), ops.constant([6]), ops.constant([1]), ops.constant([2]))
    seen = ops.concat([again, more], 1)
    seen.output(0).set_names({"seen"})
    weight = ops.constant(rng.normal(size=(2, 6, 3, 3)).astype(np.float32))
    convolution = ops.convolution(seen, weight, [1, 1], [0, 0], [0, 0], [1, 1])
    model = ov.Model([convolution, *([ops.negative(cut)] if others else [])], [table, more], "selected")
    quantize_convolutions(model, {"seen": (-1.0, 1.0)}, saturates=OpenVinoEngine.saturates_int8())
    assert (cut.input_value(0).get_node().get_type_name() == "FakeQuantize") != others
    assert (again.input_value(0).get_node().get_type_name() == "FakeQuantize") == others
    if others:
        x = rng.uniform(-1, 1, (9, 6, 6)).astype(np.float32)
        compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        assert np.array_equal(compiled([x, np.zeros((1, 3, 6, 4), np.float32)])[1], -x[None, [2, 7, 4]][..., 1:5])


def test_what_openvino_cannot_compile_is_a_failed_gate(tiny_bundle, graph, monkeypatch):
    def broken(model, ranges, *, saturates):
        model.add_results([_broken()])

    monkeypatch.setattr(openvino_engine, "quantize_convolutions", broken)
    with pytest.raises(GateError, match="appearance_generator: OpenVINO cannot compile it in int8"):
        OpenVinoEngine(tiny_bundle, graph, "int8")


def _broken():
    """Return a result of an operation whose parameter no model has."""
    return ops.result(ops.relu(ops.parameter([1], np.float32)))


def test_an_input_without_a_range_is_an_error():
    with pytest.raises(GateError, match="what enters it has no activation range"):
        quantize_convolutions(_model(np.ones((1, 1, 3, 3), np.float32)), {"y": (-1.0, 1.0)}, saturates=False)


def test_weights_that_are_computed_are_an_error():
    x, weight = ops.parameter([1, 1, 6, 6], np.float32), ops.parameter([1, 1, 3, 3], np.float32)
    x.output(0).set_names({"x0"})
    convolution = ops.convolution(x, weight, [1, 1], [0, 0], [0, 0], [1, 1])
    with pytest.raises(GateError, match="its weights are not constant"):
        quantize_convolutions(ov.Model([convolution], [x, weight], "computed"), {"x0": (-1.0, 1.0)}, saturates=False)


def _kernels(tiny_bundle, graph, kind, field):
    """Return what OpenVINO says of its compiled operations of a kind."""
    with OpenVinoEngine(tiny_bundle, graph, "int8") as engine:
        runtime = engine._compile(2, None).get_runtime_model()
    infos = [{name: value.astype(str) for name, value in op.get_rt_info().items()} for op in runtime.get_ops()]
    return [info[field] for info in infos if info.get("layerType") == kind]


def test_every_convolution_of_the_generator_runs_in_int8(tiny_bundle, graph):
    kernels = _kernels(tiny_bundle, graph, "Convolution", "primitiveType")
    assert len(kernels) >= 8
    assert all(kernel.endswith("I8") for kernel in kernels), kernels


def test_codes_are_painted_in_int8(tiny_bundle, graph):
    # Their table is rounded, not the far larger painting.
    assert "u8" in _kernels(tiny_bundle, graph, "Gather", "outputPrecisions")


def test_the_generator_agrees_with_fp32_and_is_not_the_same(tiny_bundle, graph, feed):
    with OpenVinoEngine(tiny_bundle, graph, "int8") as engine, OnnxRuntimeEngine(tiny_bundle, graph, "fp32") as exact:
        found, expected = engine(**feed)["generated"], exact(**feed)["generated"]
    assert 40 <= psnr(found, expected) < 80


@pytest.fixture(scope="module")
def small(cache):
    """The shipped bundle `small` in INT8 and in FP32, and two of its requests."""
    bundle = Bundle.open(SHIPPED_BUNDLES / "small")
    requests = sample_requests(read_samples(bundle.sample_folders), 256, 128, 2, 1)
    with (
        EngineSet.load(bundle, "openvino", "int8", cache=cache) as rounded,
        EngineSet.load(bundle, "openvino", "fp32", cache=cache) as exact,
    ):
        yield rounded, exact, requests


@pytest.mark.more
@pytest.mark.parametrize("garment", ["black", "noise", "stripes"])
def test_garments_unlike_the_samples_agree_with_fp32_as_well(small, garment):
    rounded, exact, requests = small
    shape = requests["garment_images"].shape
    images = {
        "black": np.zeros(shape),
        "noise": np.random.default_rng(0).integers(0, 256, shape),
        "stripes": np.broadcast_to((np.arange(shape[2]) // 2 % 2 * 255)[:, None, None], shape),
    }
    changed = requests | {"garment_images": np.ascontiguousarray(images[garment].astype(np.uint8))}
    found, expected = (engines.run(changed)["generated"] for engines in (rounded, exact))
    assert 45 <= psnr(found, expected) < 80


def test_a_refit_rounds_the_new_weights(tiny_bundle, graph, feed):
    rng = np.random.default_rng(0)
    weights = {
        name: (value * rng.uniform(0.7, 1.3, value.shape)).astype(np.float16)
        for name, value in load_file(tiny_bundle.graph_file(graph, "weights")).items()
    }
    with OpenVinoEngine(tiny_bundle, graph, "int8") as engine, OnnxRuntimeEngine(tiny_bundle, graph, "fp32") as exact:
        before = engine(**feed)["generated"]
        for each in (engine, exact):
            each.refit(weights)
        found, expected = engine(**feed)["generated"], exact(**feed)["generated"]
        assert psnr(found, expected) >= 38  # ranges are those of the old weights
        assert psnr(found, before) < psnr(found, expected)
        engine.refit({})
        assert np.array_equal(engine(**feed)["generated"], before)


def test_a_plan_depends_on_the_ranges(tiny_bundle, graph, tmp_path):
    cache = PlanCache(tmp_path)
    wider = graph.model_copy(
        update={
            "activation_ranges": {name: (2 * low, 2 * high) for name, (low, high) in graph.activation_ranges.items()}
        }
    )
    for each in (graph, wider, graph):
        OpenVinoEngine(tiny_bundle, each, "int8", cache).close()
    keys = [json.loads(path.read_text())["key"] for path in tmp_path.glob("*.json")]
    assert len({key["options"]["activation_ranges"] for key in keys}) == len(keys) == 2


@pytest.fixture
def uncalibrated(tiny_bundle):
    """The tiny bundle as one from before calibration."""
    graphs = tuple(graph.model_copy(update={"activation_ranges": {}}) for graph in tiny_bundle.manifest.graphs)
    return dataclasses.replace(tiny_bundle, manifest=tiny_bundle.manifest.model_copy(update={"graphs": graphs}))


def test_a_bundle_without_ranges_is_never_int8(uncalibrated: Bundle, tmp_path):
    with EngineSet.load(uncalibrated, "openvino", cache=PlanCache(tmp_path)) as engines:
        assert engines.precision != "int8"
    with pytest.raises(InputError, match=r"was not calibrated for int8; export it again; allowed: auto, .*fp32"):
        EngineSet.load(uncalibrated, "openvino", "int8")
    with pytest.raises(InputError, match="graph appearance_generator was not calibrated for int8"):
        OpenVinoEngine(uncalibrated, uncalibrated.manifest.graph("appearance_generator"), "int8")


@pytest.mark.skipif(OpenVinoEngine.has_bf16(), reason="bf16 comes first here, so that auto never gets to int8")
def test_auto_goes_on_to_fp32_where_a_graph_cannot_be_rounded(tmp_path, monkeypatch):
    def refuse(model, ranges, *, saturates):
        raise GateError("no activation range")

    monkeypatch.setattr(openvino_engine, "quantize_convolutions", refuse)
    with EngineSet.load(Bundle.open(SHIPPED_BUNDLES / "small"), "openvino", cache=PlanCache(tmp_path)) as engines:
        assert engines.precision == "fp32"
        assert engines.notes == ["int8 was refused on this machine: no activation range; using fp32"]


def test_only_calibrated_graphs_are_rounded_and_gated(tiny_bundle, tmp_path):
    with EngineSet.load(tiny_bundle, "openvino", "int8", cache=PlanCache(tmp_path)) as engines:
        assert engines.precision == "int8"
        assert engines.precisions == {
            name: "int8" if name == "appearance_generator" else "fp32" for name in engines.engines
        }
        assert {row.graph for row in engines.gate} == {"appearance_generator"}
