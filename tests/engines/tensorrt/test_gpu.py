"""Plans on a GPU: loaded, gated, run, captured, refitted. They need the GPU and say so where there is none."""

import threading

import numpy as np
import pytest
from safetensors.numpy import load_file

from oviton.bundle.parity import psnr
from oviton.bundle.samples import read_samples, sample_requests
from oviton.data.errors import ClosedError, GateError, InputError
from oviton.engines.engine_set import EngineSet
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.plan_cache import PlanCache
from oviton.engines.precision_gate import gate_sizes
from oviton.engines.tensorrt.flavour import FLAVOURS
from oviton.engines.tensorrt.options import BuildOptions

GENERATOR = "appearance_generator"


def missing(name):
    """Why a flavour cannot run here; None when it can."""
    try:
        FLAVOURS[name].check_installed()
        FLAVOURS[name].gpu()
    except InputError as error:
        return str(error)
    return None


def flavour_param(name):
    reason = missing(name)
    return pytest.param(name, marks=pytest.mark.skipif(reason is not None, reason=f"{name}: {reason}"))


pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module", params=[flavour_param(name) for name in FLAVOURS])
def engines(request, shipped, tmp_path_factory):
    cache = PlanCache(tmp_path_factory.mktemp(request.param))
    with EngineSet.load(shipped, request.param, "fp16", cache=cache) as loaded:
        loaded.cache = cache
        yield loaded


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="arrays on the GPU come from PyTorch")


@pytest.fixture(scope="module")
def feed(shipped):
    """Every tensor of two requests of two garments, made by ONNX Runtime."""
    manifest = shipped.manifest
    people = read_samples(shipped.sample_folders)
    values = dict(sample_requests(people, manifest.height, manifest.width, 2, 2))
    for graph in manifest.graphs:
        with OnnxRuntimeEngine(shipped, graph, "fp32") as engine:
            values |= engine(**pick(values, engine))
    return values


def pick(values, engine):
    return {spec.name: values[spec.name] for spec in engine.inputs}


def test_every_batch_size_was_gated(engines, shipped):
    sizes = {(row.requests, row.garments) for row in engines.gate}
    assert sizes == set(gate_sizes(shipped, engines.chosen))
    assert {(8, 1), (1, 8), (8, 8)} <= sizes
    assert all(row.passed for row in engines.gate)


def test_a_second_start_builds_and_gates_nothing(engines, shipped):
    with EngineSet.load(shipped, engines.chosen.candidate.engine, "fp16", cache=engines.cache) as again:
        assert all(engine.plan.hit for engine in again.engines.values())
        assert again.gate == engines.gate


def test_numpy_in_numpy_out_agrees_with_onnxruntime(engines, feed):
    for engine in engines.engines.values():
        for _ in range(3):  # plain, captured, replayed
            outputs = engine(**pick(feed, engine))
            for spec in engine.outputs:
                assert isinstance(outputs[spec.name], np.ndarray)
                assert close(outputs[spec.name], feed[spec.name])


def close(found, expected):
    if found.dtype == np.float32:
        return np.abs(found - expected).max() <= 3e-2 * np.abs(expected).max()
    return (found == expected).mean() >= 0.99 if found.ndim == 3 else psnr(found, expected) >= 40


def test_outputs_are_the_callers_own(engines, feed):
    """A replayed graph writes to the same memory again; what was returned must not change under the caller's hands."""
    engine = engines["compositor"]
    first = engine(**pick(feed, engine))["image"]
    kept = first.copy()
    other = {**pick(feed, engine), "generated": 255 - feed["generated"]}
    assert not np.array_equal(engine(**other)["image"], kept)
    assert np.array_equal(first, kept)


def test_shapes_take_turns(engines, feed):
    engine = engines[GENERATOR]
    inputs = pick(feed, engine)
    alone = [{name: array[i : i + 1] for name, array in inputs.items()} for i in range(2)]
    for _ in range(3):
        assert close(engine(**inputs)["generated"], feed["generated"])
        for i in range(2):
            assert close(engine(**alone[i])["generated"], feed["generated"][i : i + 1])


def test_torch_tensors_on_the_gpu_stay_there(engines, feed, torch):
    if not torch.cuda.is_available():
        pytest.skip("this build of PyTorch has no CUDA")
    engine = engines[GENERATOR]
    inputs = {name: torch.from_numpy(array).cuda() for name, array in pick(feed, engine).items()}
    strided = dict(inputs, labels=inputs["labels"].transpose(1, 2).contiguous().transpose(1, 2))
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):  # the caller's own stream must wait for the engine's
        found = [engine(**values)["generated"] for values in (inputs, inputs, inputs, strided)]
        pictures = [value.cpu().numpy() for value in found]
    assert all(value.is_cuda for value in found)
    assert len({value.data_ptr() for value in found}) == len(found)
    assert all(close(picture, feed["generated"]) for picture in pictures)


def test_several_threads_share_an_engine(engines, feed):
    engine, results = engines["compositor"], []
    threads = [threading.Thread(target=lambda: results.append(engine(**pick(feed, engine))["image"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(np.array_equal(result, results[0]) for result in results)


def test_refit_reaches_the_engine_and_leaves_it_again(engines, shipped, feed):
    engine = engines[GENERATOR]
    before = engine(**pick(feed, engine))["generated"]
    weights = load_file(shipped.graph_file(engine.graph, "weights"))
    generator = np.random.default_rng(0)
    changed = {name: (w + generator.normal(0, 0.02, w.shape)).astype(np.float16) for name, w in weights.items()}
    engine.refit(changed)
    with OnnxRuntimeEngine(shipped, engine.graph, "fp32") as reference:
        reference.refit(changed)
        assert close(engine(**pick(feed, engine))["generated"], reference(**pick(feed, engine))["generated"])
    assert psnr(engine(**pick(feed, engine))["generated"], before) < 40
    engine.refit({})
    assert np.array_equal(engine(**pick(feed, engine))["generated"], before)


def test_refit_takes_weights_from_the_gpu(engines, shipped, feed, torch):
    if not torch.cuda.is_available():
        pytest.skip("this build of PyTorch has no CUDA")
    engine = engines[GENERATOR]
    weights = load_file(shipped.graph_file(engine.graph, "weights"))
    name = next(name for name in weights if name.endswith("colour.bias"))
    brighter = torch.from_numpy(weights[name]).float().cuda() + 0.3
    before = engine(**pick(feed, engine))["generated"].mean()
    engine.refit({name: brighter})
    assert engine(**pick(feed, engine))["generated"].mean() > before
    with pytest.raises(InputError, match="NaN, infinity or a value beyond 65504"):
        engine.refit({name: brighter * float("nan")})
    engine.refit({})


@pytest.mark.parametrize("options", [BuildOptions(refittable=True), BuildOptions(strip_weights=True)])
def test_stripped_and_refittable_plans_give_the_same_pictures(engines, shipped, feed, options):
    name = engines.chosen.candidate.engine
    with EngineSet.load(shipped, name, "fp16", cache=engines.cache, build_options=options) as other:
        engine = other[GENERATOR]
        assert engine.refittable
        assert close(engine(**pick(feed, engine))["generated"], feed["generated"])


def test_refusing_to_build_says_what_is_missing(engines, shipped, tmp_path):
    name = engines.chosen.candidate.engine
    with pytest.raises(InputError, match=r"no plan of shape_encoder for compute capability .* run: oviton compile"):
        EngineSet.load(shipped, name, "fp16", cache=PlanCache(tmp_path), on_mismatch="refuse")


def test_a_failed_gate_refuses_the_engine(engines, shipped, monkeypatch, tmp_path):
    from oviton.bundle.parity import Limits
    from oviton.engines import precision_gate

    monkeypatch.setattr(precision_gate, "REDUCED_PRECISION", Limits(relative=0.0, agreement=1.0, psnr=119))
    with pytest.raises(GateError, match="demanded"):
        EngineSet.load(shipped, engines.chosen.candidate.engine, "fp16", cache=engines.cache)


def test_kernels_finished_here_are_kept(engines, shipped):
    if engines.chosen.candidate.engine != "tensorrt-rtx":
        pytest.skip("TensorRT finishes its kernels when it builds")
    with EngineSet.load(shipped, "tensorrt-rtx", "fp16", cache=engines.cache):
        pass
    assert len(list(engines.cache.root.glob("runtime-*.cache"))) == 5


def test_a_closed_set_gives_its_memory_back(engines, shipped, feed):
    name = engines.chosen.candidate.engine
    with EngineSet.load(shipped, name, "fp16", cache=engines.cache) as other:
        engine = other["compositor"]
        engine(**pick(feed, engine))
        session = engine._session
        assert all(e._session is session for e in other.engines.values())
    assert session.stream is None
    with pytest.raises(ClosedError, match="compositor is closed"):
        engine(**pick(feed, engine))
