"""A real Triton server on the tiny bundle, started once; tests that harm a server start their own."""

from __future__ import annotations

import contextlib
import queue

import numpy as np
import pytest

from oviton.engines.engine_set import EngineSet
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import ServerOptions, TritonServer

FREE_PORTS = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=5, shared_memory=True)
WIRE = {"uint8": "UINT8", "int32": "INT32", "float32": "FP32", "object": "BYTES"}


@pytest.fixture(scope="session")
def outfit_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outfits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVITON_OUTFITS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def repository(tmp_path_factory, tiny_bundle, plan_cache_folder):
    """The tiny bundle on ONNX Runtime in Triton's Python backend, with refinement and garments as codes."""
    folder = tmp_path_factory.mktemp("served") / "repository"
    options = RepositoryOptions("onnxruntime", python=True, refinement=True, queue=2, embed_bundle=False, codes=True)
    return build_repository(tiny_bundle, folder, options)


@pytest.fixture(scope="session")
def server(repository, outfit_folder):
    with TritonServer.start(repository.folder, FREE_PORTS) as started:
        yield started


@pytest.fixture(scope="session")
def in_process(tiny_bundle, plan_cache_folder):
    """The same engine without a server."""
    with EngineSet.load(tiny_bundle, "onnxruntime", "fp32") as engines:
        yield engines


@pytest.fixture(scope="session")
def plain_client(server):
    """Triton's own client, so that the server is tested without ours."""
    import tritonclient.grpc as triton

    with triton.InferenceServerClient(server.grpc_address) as client:
        yield client


@pytest.fixture(scope="session")
def wire():
    """Turn arrays into what Triton's client sends."""
    import tritonclient.grpc as triton

    def tensors(arrays):
        found = []
        for name, array in arrays.items():
            tensor = triton.InferInput(name, array.shape, WIRE[array.dtype.name])
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            found.append(tensor)
        return found

    return tensors


@pytest.fixture(scope="session")
def open_stream(server, wire):
    """Ask `try_on_refined`; yields the stream's (arrays, error) pairs, and its client."""
    import tritonclient.grpc as triton

    @contextlib.contextmanager
    def opened(arrays, timeout=None, **parameters):
        answers = queue.Queue()
        with triton.InferenceServerClient(server.grpc_address) as client:
            client.start_stream(
                lambda result, error: answers.put((result, error)),
                stream_timeout=timeout,
            )
            client.async_stream_infer(
                "try_on_refined", wire(arrays), parameters=parameters, enable_empty_final_response=True
            )
            yield client, _read(answers)

    return opened


def _read(answers):
    while True:
        result, error = answers.get(timeout=60)
        if error is not None:
            yield None, error
            return
        response = result.get_response()
        if response.outputs:
            yield {output.name: result.as_numpy(output.name) for output in response.outputs}, None
        if response.parameters["triton_final_response"].bool_param:
            return
