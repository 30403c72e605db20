"""The person parser behind a real Triton server."""

import numpy as np
import pytest

from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.data.errors import ServerError
from oviton.data.images import read_image
from oviton.prepare.preparer import Preparer
from oviton.triton_models.client.try_on_client import TryOnClient
from oviton.triton_models.model_config import read_config
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import ServerOptions, TritonServer


@pytest.mark.more
@pytest.mark.server
def test_a_photograph_prepared_on_a_server_is_prepared_as_in_process(tmp_path, tiny_bundle, people):
    options = RepositoryOptions("onnxruntime", python=True, refinement=False, prepare=True)
    repository = build_repository(tiny_bundle, tmp_path / "repository", options)
    image = read_image(people / "ana" / "image.png")
    ports = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=5)
    with (
        TritonServer.start(repository.folder, ports) as server,
        TryOnClient(server.grpc_address) as client,
        Preparer.load(engine="onnxruntime") as here,
    ):
        there = client.preparer()(image)
        wanted = here(image)
    assert np.array_equal(there.labels, wanted.labels)
    assert np.array_equal(there.densepose, wanted.densepose)


def test_a_native_repository_has_the_graph_itself(tmp_path, tiny_bundle):
    options = RepositoryOptions("onnxruntime", refinement=False, prepare=True)
    repository = build_repository(tiny_bundle, tmp_path / "repository", options)
    config = read_config(repository.folder / "person_parser")
    graph = Bundle.open(SHIPPED_BUNDLES / "prepare").manifest.graphs[0]
    assert config.backend == "onnxruntime"
    assert [tuple(tensor.dims) for tensor in config.input] == [graph.inputs[0].shape[1:]]
    assert (repository.folder / "person_parser" / "1" / "model.onnx").is_file()


@pytest.mark.server
def test_a_server_without_it_says_so(server):
    with TryOnClient(server.grpc_address) as client, pytest.raises(ServerError, match="person_parser"):
        client.preparer()
