import shutil

import numpy as np
import onnxruntime
import pytest

from oviton.bundle.bundle import Bundle
from oviton.data.errors import InputError, ServerError
from oviton.data.optional import is_installed
from oviton.triton_models.layout import graph_steps, outer_inputs
from oviton.triton_models.model_config import parameters, protobuf, read_config
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository, is_repository
from oviton.triton_models.server import ServerOptions, TritonServer

GRAPHS = ("shape_encoder", "shape_generator", "appearance_encoder", "appearance_generator", "compositor")
FEED_FORWARD = {"input_check", *GRAPHS, "try_on"}
REFINEMENT = {"try_on_refined", "try_on_outfit"}
SEEN_BY_CLIENTS = ("try_on", "try_on_outfit", "try_on_refined")
CODES = {"garment_encoder", "try_on_codes"}
EMBEDDED = {"feed_forward", "try_on"}


@pytest.fixture(scope="module")
def native(tmp_path_factory, tiny_bundle):
    folder = tmp_path_factory.mktemp("native") / "repository"
    return build_repository(tiny_bundle, folder, RepositoryOptions("onnxruntime", refinement=False))


@pytest.fixture(scope="module")
def native_with_all(tmp_path_factory, tiny_bundle):
    """A native repository with refinement and garments as codes."""
    folder = tmp_path_factory.mktemp("native_with_all") / "repository"
    return build_repository(tiny_bundle, folder, RepositoryOptions("onnxruntime", refinement=True, codes=True)).folder


@pytest.fixture(scope="module")
def run_ensemble(native):
    """Run the written repository as Triton would: every step's own file, joined by the ensemble's maps."""
    ensemble = read_config(native.folder / "try_on")

    def run(values):
        tensors = dict(values)
        waiting = list(ensemble.ensemble_scheduling.step)
        while waiting:
            step = next(s for s in waiting if all(outer in tensors for outer in s.input_map.values()))
            waiting.remove(step)
            # From the model's own folder, so that nothing but what was copied there is found.
            session = onnxruntime.InferenceSession(native.folder / step.model_name / "1" / "model.onnx")
            feed = {inner: tensors[outer] for inner, outer in step.input_map.items()}
            names = list(step.output_map)
            found = dict(zip(names, session.run(names, feed), strict=True))
            tensors.update({step.output_map[name]: array for name, array in found.items()})
        return {tensor.name: tensors[tensor.name] for tensor in ensemble.output}

    return run


def test_a_native_repository_has_no_python(native):
    assert set(native.models) == FEED_FORWARD
    assert not list(native.folder.rglob("*.py"))
    assert (native.engine, native.precision, native.device) == ("onnxruntime", "fp32", "cpu")
    for model in FEED_FORWARD - {"try_on"}:
        config = read_config(native.folder / model)
        assert config.backend == "onnxruntime"
        assert config.max_batch_size == 8
        assert config.dynamic_batching.max_queue_delay_microseconds > 0
        assert [sample.batch_size for sample in config.model_warmup] == [1, 8]
        assert config.instance_group[0].kind == protobuf().ModelInstanceGroup.KIND_CPU
        assert config.instance_group[0].rate_limiter.resources[0].count == 1
        assert config.version_policy.latest.num_versions == 1
    ensemble = read_config(native.folder / "try_on")
    assert ensemble.platform == "ensemble"
    assert not ensemble.model_warmup  # ensembles refuse one


CHECKS = {
    "try_on": "input_check",
    "try_on_outfit": "input_check",
    "try_on_codes": "codes_check",
    "garment_encoder": "garment_check",
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_native_ensemble_begins_with_its_check_alone(native_with_all, name):
    """With two first steps, Triton 2.51 deadlocks when one of them fails while the other is being enqueued."""
    config = read_config(native_with_all / name)
    given = {tensor.name for tensor in config.input}
    first = [step.model_name for step in config.ensemble_scheduling.step if set(step.input_map.values()) <= given]
    assert first == [CHECKS[name]]


@pytest.mark.parametrize("name", CHECKS)
def test_native_and_embedded_ensembles_take_and_give_the_same(native_with_all, repository, name):
    native, embedded = (read_config(folder / name) for folder in (native_with_all, repository.folder))
    assert list(native.input) == list(embedded.input)
    assert list(native.output) == list(embedded.output)


@pytest.mark.parametrize("name", CHECKS)
def test_an_embedded_ensemble_is_one_step(repository, name):
    """All graphs in one process: hand-over costs, and Triton 2.51 dies when two steps of one request fail together."""
    config = read_config(repository.folder / name)
    (step,) = config.ensemble_scheduling.step
    assert step.model_name == "feed_forward"
    assert sorted(step.input_map.values()) == sorted(tensor.name for tensor in config.input)
    assert sorted(step.output_map.values()) == sorted(tensor.name for tensor in config.output)


def test_the_process_that_runs_all_graphs_takes_what_any_ensemble_brings(repository):
    config = read_config(repository.folder / "feed_forward")
    assert all(tensor.optional for tensor in config.input)
    assert list(config.dynamic_batching.preferred_batch_size) == [1]  # each request is run by itself
    assert config.dynamic_batching.max_queue_delay_microseconds == 0
    (warm,) = config.model_warmup
    assert set(warm.inputs) == {tensor.name for tensor in read_config(repository.folder / "try_on").input}


def test_inputs_follow_the_graphs_and_not_the_conditioning_that_a_bundle_is_called_by(tmp_path, tiny_bundle):
    """A shape generator may look at the garments' body maps where the appearance generator does not."""
    manifest = tiny_bundle.manifest
    encoder = {spec.name: spec for spec in manifest.graph("appearance_encoder").inputs}
    bodies = encoder["garment_images"].model_copy(update={"name": "garment_densepose"})
    graphs = tuple(
        graph.model_copy(update={"inputs": (*graph.inputs[:-1], encoder["garment_labels"], bodies, graph.inputs[-1])})
        if graph.name == "shape_generator"
        else graph
        for graph in manifest.graphs
    )
    covered = Bundle(tiny_bundle.path, manifest.model_copy(update={"graphs": graphs}))
    folder = build_repository(covered, tmp_path / "r", RepositoryOptions("onnxruntime", refinement=True)).folder
    names = {model: [tensor.name for tensor in read_config(folder / model).input] for model in SEEN_BY_CLIENTS}
    assert names["try_on"] == names["try_on_refined"] == [*tiny_inputs(manifest)[:-1], "garment_densepose", "source"]
    assert names["try_on_outfit"] == [*names["try_on"], "outfit"]
    assert "garment_densepose" in [tensor.name for tensor in read_config(folder / "input_check").input]
    shape = next(
        step for step in read_config(folder / "try_on").ensemble_scheduling.step if step.model_name == "shape_generator"
    )
    assert {"garment_labels", "garment_densepose"} <= set(shape.input_map)


def tiny_inputs(manifest):
    return [spec.name for spec in outer_inputs(graph_steps(manifest))]


def test_a_native_repository_answers_like_the_engine_in_process(run_ensemble, in_process, tiny_requests):
    expected = in_process.run(tiny_requests)
    found = run_ensemble(tiny_requests)
    assert sorted(found) == ["image", "input_flags", "labels"]
    assert np.array_equal(found["image"], expected["image"])
    assert np.array_equal(found["labels"], expected["labels"])
    assert found["input_flags"].tolist() == [[0], [0]]


def test_a_native_repository_flags_bad_values_and_counts_them_as_unlabelled(run_ensemble, tiny_requests):
    bad = {name: array.copy() for name, array in tiny_requests.items()}
    bad["person_labels"][1, :4] = 77
    mended = {name: array.copy() for name, array in tiny_requests.items()}
    mended["person_labels"][1, :4] = 0
    found, expected = run_ensemble(bad), run_ensemble(mended)
    assert found["input_flags"].tolist() == [[0], [1]]
    assert np.array_equal(found["image"], expected["image"])
    assert np.array_equal(found["labels"], expected["labels"])


@pytest.mark.server
def test_triton_accepts_every_native_configuration(native):
    """The wheel's Triton lacks the backend, which it looks for only after a configuration is found valid."""
    lines = []
    options = ServerOptions(grpc_port=0, metrics_port=0)
    with pytest.raises(ServerError, match="Triton stopped"):
        TritonServer.start(native.folder, options, on_log=lines.append)
    refused = [line for line in lines if "failed to load" in line and "version" in line]
    for model in FEED_FORWARD - {"try_on"}:
        assert any(f"'{model}'" in line and "unable to find backend library" in line for line in refused), model
    assert any("ensemble 'try_on' depends on" in line for line in lines)


@pytest.mark.skipif(is_installed("tensorrt"), reason="TensorRT is installed here")
def test_without_tensorrt_its_extra_is_named(tmp_path, tiny_bundle):
    with pytest.raises(InputError, match=r"pip install \"tensorrt[<>]"):
        build_repository(tiny_bundle, tmp_path / "r", RepositoryOptions("tensorrt"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.gpu
@pytest.mark.skipif(not is_installed("tensorrt"), reason="needs TensorRT and an NVIDIA GPU")
def test_a_tensorrt_repository_holds_plans(tmp_path, tiny_bundle):
    built = build_repository(tiny_bundle, tmp_path / "r", RepositoryOptions("tensorrt", refinement=False))
    assert (built.engine, built.device, built.precision) == ("tensorrt", "cuda", "fp16")
    for model in GRAPHS:
        config = read_config(built.folder / model)
        assert (config.backend, config.platform) == ("tensorrt", "tensorrt_plan")
        assert config.instance_group[0].kind == protobuf().ModelInstanceGroup.KIND_GPU
        assert (built.folder / model / "1" / "model.plan").stat().st_size > 1000
    assert read_config(built.folder / "input_check").backend == "onnxruntime"
    assert not list(built.folder.rglob("*.py"))


def test_an_embedded_repository_says_what_it_serves(repository, tiny_bundle):
    assert set(repository.models) == EMBEDDED | REFINEMENT | CODES
    about = parameters(read_config(repository.folder / "try_on"))
    assert about["bundle_identity"] == tiny_bundle.identity
    assert (about["protocol"], about["engine"], about["engine_precision"]) == ("1", "onnxruntime", "fp32")
    assert about["bundle_height"], about["bundle_width"] == ("64", "32")
    worn = read_config(repository.folder / "try_on_outfit")
    assert "outfit" in [tensor.name for tensor in worn.input]
    refined = read_config(repository.folder / "try_on_refined")
    assert refined.model_transaction_policy.decoupled
    assert refined.dynamic_batching.default_queue_policy.max_queue_size == 2


def test_queues_are_limited(repository, native_with_all):
    """A request's timeout may shorten its wait. Of a request's native steps, no two wait in limited queues at once."""
    for folder, models in (
        (repository.folder, {"feed_forward": 32}),
        (native_with_all, dict.fromkeys(("shape_encoder", "shape_generator", "compositor"), 128)),
        (native_with_all, {"appearance_generator_outfit": 32, "appearance_encoder": 0, "input_check": 0}),
    ):
        for model, size in models.items():
            policy = read_config(folder / model).dynamic_batching.default_queue_policy
            assert policy.max_queue_size == size, model
            assert policy.allow_timeout_override == (size > 0)
            assert policy.default_timeout_microseconds == (60_000_000 if size else 0)


def test_the_bundle_goes_along_when_asked(tmp_path, tiny_bundle):
    options = RepositoryOptions("onnxruntime", python=True, refinement=False)
    built = build_repository(tiny_bundle, tmp_path / "r", options)
    moved = shutil.move(built.folder, tmp_path / "moved")
    told = parameters(read_config(moved / "feed_forward"))["bundle"]
    assert Bundle.open((moved / "feed_forward" / told).resolve()).identity == tiny_bundle.identity


def test_only_an_older_repository_is_replaced(tmp_path, tiny_bundle):
    options = RepositoryOptions("onnxruntime", refinement=False)
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="holds other files"):
        build_repository(tiny_bundle, tmp_path / "r", options)
    (tmp_path / "r" / "mine.txt").unlink()
    build_repository(tiny_bundle, tmp_path / "r", options)
    assert is_repository(tmp_path / "r")
    build_repository(tiny_bundle, tmp_path / "r", options)
    (tmp_path / "r" / "mine").mkdir()
    with pytest.raises(InputError, match="holds other files"):
        build_repository(tiny_bundle, tmp_path / "r", options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": "tpu"}, "device 'tpu'; allowed: auto, cpu, cuda"),
        ({"engine": "tensorrt", "python": True}, "own backend"),
        ({"engine": "tensorrt", "device": "cpu"}, "needs a GPU"),
        ({"engine": "onnxruntime", "precision": "int8"}, "no precision 'int8'"),
        ({"engine": "abacus"}, "engine 'abacus' is unknown"),
        ({"queue": 0}, "queue: 0 given"),
    ],
)
def test_options_that_cannot_be(tmp_path, tiny_bundle, options, told):
    with pytest.raises(InputError, match=told):
        build_repository(tiny_bundle, tmp_path / "r", RepositoryOptions(**options))
    assert list(tmp_path.iterdir()) == []
