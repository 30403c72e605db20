"""An instance of one thread for every core, which answers the most requests a second."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from oviton import InputError, TryOnClient
from oviton.bundle.samples import sample_requests
from oviton.engines.engine_set import EngineSet
from oviton.triton_models.backend.settings import ModelSettings
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import ServerOptions, TritonServer


@pytest.mark.server
def test_every_instance_answers_as_one_thread_in_process_does(tmp_path, tiny_bundle, plan_cache_folder, sample_people):
    options = RepositoryOptions("openvino", instances=2, threads=1, refinement=False, embed_bundle=False)
    built = build_repository(tiny_bundle, tmp_path / "repository", options)
    taken = {spec.name for graph in tiny_bundle.manifest.graphs for spec in graph.inputs}
    made = [sample_requests(sample_people[i:] + sample_people[:i], 64, 32, 1, 1) for i in range(4)] * 4
    requests = [{name: array for name, array in each.items() if name in taken} for each in made]
    with EngineSet.load(tiny_bundle, built.engine, built.precision, threads=1) as alone:
        wanted = [alone.run(request) for request in requests]
    with (
        TritonServer.start(built.folder, ServerOptions(grpc_port=0, metrics_port=0)) as server,
        TryOnClient(server.grpc_address) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(client.run, requests))
    for answer, expected in zip(answers, wanted, strict=True):
        assert np.array_equal(answer["image"], expected["image"])
        assert np.array_equal(answer["labels"], expected["labels"])


def test_threads_go_with_the_python_backend():
    with pytest.raises(InputError, match="threads: 1 given; it goes with the engines of the Python backend only"):
        RepositoryOptions("tensorrt", threads=1)
    with pytest.raises(InputError, match="threads: 0 given; allowed: at least 1"):
        RepositoryOptions("openvino", threads=0)


def test_a_repository_of_before_threads_could_be_chosen_leaves_them_to_the_engine(tmp_path):
    assert ModelSettings("feed_forward", tmp_path, {}).threads is None
    assert ModelSettings("feed_forward", tmp_path, {"threads": ""}).threads is None
    assert ModelSettings("feed_forward", tmp_path, {"threads": "2"}).threads == 2
