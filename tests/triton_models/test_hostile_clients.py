"""What a real server holds against clients that mean harm, give up or come at a bad time."""

import collections
import socket
import threading
import time

import grpc
import numpy as np
import pytest

from oviton import ClientOptions, ServerError, TryOnClient
from oviton.bundle.samples import sample_requests
from oviton.triton_models.client.protocol import make_stub, messages
from oviton.triton_models.client.tensors import infer_request
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import ServerOptions, TritonServer
from oviton.triton_models.supervisor import Supervisor

pytestmark = pytest.mark.server

FREE_PORTS = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_bundle, plan_cache_folder):
    """A repository whose every request takes a twentieth of a second longer."""
    folder = tmp_path_factory.mktemp("hostile") / "repository"
    options = RepositoryOptions("onnxruntime", python=True, refinement=False, embed_bundle=False)
    build_repository(tiny_bundle, folder, options)
    model = folder / "feed_forward" / "1" / "model.py"
    slow = "    def _run(self, inputs):\n        time.sleep(0.05)\n        return super()._run(inputs)\n"
    model.write_text(f"{model.read_text()}\nimport time\n\nclass TritonPythonModel(TritonPythonModel):\n{slow}")
    return folder


@pytest.fixture(scope="module")
def closed_server(folder):
    with TritonServer.start(folder, FREE_PORTS) as started:
        yield started


@pytest.fixture(scope="module")
def arrays(sample_people, tiny_bundle):
    taken = {spec.name for graph in tiny_bundle.manifest.graphs for spec in graph.inputs}
    made = sample_requests(sample_people, 64, 32, 1, 1)
    return {name: np.asarray(array) for name, array in made.items() if name in taken}


@pytest.fixture
def stub(closed_server):
    with grpc.insecure_channel(closed_server.grpc_address) as channel:
        yield make_stub(channel)


def test_http_is_off(closed_server):
    """One POST of deeply nested JSON would end it: what listens is gRPC, and the metrics, which take no request."""
    assert closed_server.http_address is None
    services = [line for line in closed_server.last_lines if "Started" in line and "Service" in line]
    assert len(services) == 2, services
    assert not [line for line in services if "HTTPService" in line]
    host, port = closed_server.metrics_address.split(":")
    nested = b"[" * 200_000
    request = b"POST /v2/logging HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(nested), nested)
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(request)
        assert connection.recv(100).startswith(b"HTTP/1.1 405 ")
    assert closed_server.is_ready


@pytest.mark.parametrize(
    ("method", "request_name"),
    [
        ("SystemSharedMemoryStatus", "SystemSharedMemoryStatusRequest"),
        ("SystemSharedMemoryUnregister", "SystemSharedMemoryUnregisterRequest"),
        ("CudaSharedMemoryStatus", "CudaSharedMemoryStatusRequest"),
        ("RepositoryIndex", "RepositoryIndexRequest"),
        ("RepositoryModelUnload", "RepositoryModelUnloadRequest"),
        ("TraceSetting", "TraceSettingRequest"),
        ("LogSettings", "LogSettingsRequest"),
    ],
)
def test_no_client_administers_the_server_or_sees_what_others_share(stub, method, request_name):
    with pytest.raises(grpc.RpcError) as refused:
        getattr(stub, method)(getattr(messages(), request_name)())
    assert "This protocol is restricted" in refused.value.details()


def test_where_shared_memory_is_closed_clients_send_messages(closed_server, arrays):
    begun = time.monotonic()
    with TryOnClient(closed_server.grpc_address) as client:
        assert not client.run(arrays)["input_flags"].any()
        assert client.transport == "messages (the server has closed it; oviton serve --shared-memory opens it)"
    assert time.monotonic() - begun < 5  # a refusal for good is not tried again
    asked = ClientOptions(shared_memory="system")
    with TryOnClient(closed_server.grpc_address, asked) as client, pytest.raises(ServerError, match="--shared-memory"):
        client.run(arrays)


def computed(server):
    """Return how many requests the graphs were run for."""
    name = 'nv_inference_count{model="feed_forward",version="1"}'
    return next(float(line.split()[-1]) for line in server.metrics().splitlines() if line.startswith(name))


def flood(closed_server, count, send):
    """Let so many clients ask once each, at the same time; return how often each thing happened."""
    happened, start = collections.Counter(), threading.Barrier(count)

    def client():
        start.wait()
        try:
            send()
            happened["answered"] += 1
        except Exception as error:
            code = error.code().name if callable(getattr(error, "code", None)) else error.code
            happened[code] += 1

    threads = [threading.Thread(target=client) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return happened


def test_requests_that_their_clients_gave_up_are_not_computed(closed_server, arrays):
    """80 clients give up after half a second; whoever comes then is answered soon."""
    with TryOnClient(closed_server.grpc_address, ClientOptions(retry_for=0)) as client:
        client.run(arrays)
        before = computed(closed_server)
        happened = flood(closed_server, 80, lambda: client.run(arrays, timeout=0.5))
        assert happened["DEADLINE_EXCEEDED"] > 10, happened
        assert happened["UNAVAILABLE"] > 30, happened  # the queue was full
        time.sleep(0.5)
        begun = time.monotonic()
        client.run(arrays)
        assert time.monotonic() - begun < 2
        late = computed(closed_server) - before - happened["answered"] - 1
        assert late < happened["DEADLINE_EXCEEDED"] / 2  # those under way; on a busy machine some answers come too late


def test_cancelled_requests_to_the_model_itself_are_not_computed(closed_server, stub, arrays):
    """Triton tells a model of them, unless an ensemble stands between."""
    before = computed(closed_server)
    happened = flood(closed_server, 20, lambda: stub.ModelInfer(infer_request("feed_forward", arrays), timeout=0.3))
    with TryOnClient(closed_server.grpc_address) as client:
        client.run(arrays)
    assert happened["DEADLINE_EXCEEDED"] > 5, happened
    assert computed(closed_server) - before <= happened["answered"] + 4


def test_a_full_queue_refuses_at_once_and_is_soon_empty(closed_server, stub, arrays):
    """Clients that do not tell how long they wait are computed, but no more of them than may wait."""
    took = []

    def send():
        begun = time.monotonic()
        try:
            stub.ModelInfer(infer_request("try_on", arrays), timeout=0.5)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                took.append((time.monotonic() - begun, error.details()))
            raise

    before = computed(closed_server)
    happened = flood(closed_server, 80, send)
    assert happened["UNAVAILABLE"] >= 20, happened
    assert all("Exceeds maximum queue size" in told for _, told in took)
    assert max(took)[0] < 0.5
    with TryOnClient(closed_server.grpc_address) as client:  # tries again
        client.run(arrays)
    assert computed(closed_server) - before <= happened["answered"] + 32 + 3


@pytest.mark.more
def test_clients_that_try_again_all_get_in(closed_server, arrays):
    with TryOnClient(closed_server.grpc_address) as client:
        client.run(arrays)
        assert flood(closed_server, 40, lambda: client.run(arrays)) == {"answered": 40}


def test_a_restart_under_load_is_not_seen_by_clients_that_try_again(folder, arrays):
    """While stopping, Triton says NOT_FOUND of every model."""
    seen, errors, stop = collections.Counter(), [], threading.Event()
    with Supervisor(folder, FREE_PORTS) as supervisor:
        watch = threading.Thread(target=supervisor.run)
        watch.start()

        def patient():
            with TryOnClient(supervisor.server.grpc_address) as client:
                while not stop.is_set():
                    try:
                        client.run(arrays)
                        seen["answered"] += 1
                    except Exception as error:
                        errors.append(error)

        def plain():
            with grpc.insecure_channel(supervisor.server.grpc_address) as channel:
                while not stop.is_set():
                    try:
                        make_stub(channel).ModelInfer(infer_request("try_on", arrays), timeout=5)
                    except grpc.RpcError as error:
                        seen[error.code().name] += 1
                        time.sleep(0.01)

        threads = [threading.Thread(target=each) for each in (patient, patient, patient, plain)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        supervisor.server._process.terminate()  # as when the machine is told to shut down
        end = time.monotonic() + 60
        while not (supervisor.restarts and supervisor.server.is_ready) and time.monotonic() < end:
            time.sleep(0.1)
        before = seen["answered"]
        time.sleep(3)
        stop.set()
        for thread in threads:
            thread.join()
        supervisor.stop()
        watch.join()
    assert not errors
    assert seen["answered"] > before > 0
    assert seen["NOT_FOUND"], "the server was not seen while it stopped, so this test shows nothing"
