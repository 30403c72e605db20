from __future__ import annotations

import numpy as np
import pytest

from oviton import ClientOptions, Garment, Person, TryOn, TryOnClient

WORN = (("ana", "upper_clothes"), ("eva", "skirt"), ("gia", "shoes"), ("dev", "coat"))


@pytest.fixture(scope="session")
def person(people):
    return Person.open(people / "hugo")


@pytest.fixture(scope="session")
def garments(people):
    """Four garment photographs."""
    return [Garment.open(people / name, wear=wear) for name, wear in WORN]


@pytest.fixture(scope="session")
def local(tiny_bundle_folder, cache):
    """The served bundle and engine in process."""
    with TryOn.load(tiny_bundle_folder, "onnxruntime", "fp32", cache=cache) as loaded:
        yield loaded


@pytest.fixture
def client(server):
    with TryOnClient(server.grpc_address) as connected:
        yield connected


@pytest.fixture
def message_client(server):
    """A client whose tensors travel in messages."""
    with TryOnClient(server.grpc_address, ClientOptions(shared_memory="off")) as connected:
        yield connected


@pytest.fixture(scope="session")
def batch(sample_people, tiny_bundle):
    """Arrays of so many requests and garments, as the served bundle takes them."""
    from oviton.bundle.samples import sample_requests

    taken = {spec.name for graph in tiny_bundle.manifest.graphs for spec in graph.inputs}

    def make(requests, worn):
        arrays = sample_requests(sample_people, 64, 32, requests, worn)
        return {name: np.array(array) for name, array in arrays.items() if name in taken}

    return make
