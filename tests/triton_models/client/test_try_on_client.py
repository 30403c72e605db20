"""A client against a real server: the answers of the same engine in process, bit for bit."""

import asyncio
import os
import time
from pathlib import Path

import grpc
import numpy as np
import pytest

from oviton import AsyncTryOnClient, ClientOptions, InputError, ServerError, TryOnClient
from oviton.data.errors import DeadlineError

pytestmark = pytest.mark.server


def same(look, wanted):
    return np.array_equal(look.image, wanted.image) and np.array_equal(look.labels, wanted.labels)


def regions(client):
    from oviton.triton_models.client.protocol import messages

    reply = client._stub.SystemSharedMemoryStatus(messages().SystemSharedMemoryStatusRequest())
    return [name for name in reply.regions if name.startswith(f"oviton-client-{os.getpid()}-")]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_answers_are_those_in_process(client, message_client, local, person, garments, count):
    worn = garments[:count]
    remove = () if worn else "upper_clothes"
    wanted = local(person, worn, remove)
    assert client.transport == "system shared memory"
    assert message_client.transport == "messages"
    for tryon in (client, message_client):
        look = tryon(person, worn, remove)
        assert same(look, wanted)
        assert look.report.notes == wanted.report.notes
        assert look.report.source == wanted.report.source
        assert look.report.bundle == wanted.report.bundle
        assert look.report.engine == wanted.report.engine.model_copy(update={"not_used": {}})
        assert list(look.report.stages_ms) == ["fit", "server", "restore"]


def test_tasks_share_an_async_client(server, local, person, garments):
    async def main():
        async with AsyncTryOnClient(server.grpc_address) as tryon:
            assert await tryon.ready()
            looks = await asyncio.gather(*(tryon(person, garments[: 1 + k % 4]) for k in range(8)))
            return looks, (await tryon.model()).bundle.name

    looks, name = asyncio.run(main())
    assert name == local.engines.bundle.manifest.name
    wanted = [local(person, garments[: 1 + k]) for k in range(4)]
    assert all(same(look, wanted[k % 4]) for k, look in enumerate(looks))


@pytest.mark.parametrize(("requests", "worn"), [(1, 1), (2, 3), (8, 1), (3, 4)])
def test_batches_are_those_in_process(client, message_client, local, batch, requests, worn):
    arrays = batch(requests, worn)
    wanted = local.engines.run(arrays)
    for tryon in (client, message_client):
        outputs = tryon.run(arrays)
        assert outputs.keys() == {"image", "labels", "input_flags"}
        assert np.array_equal(outputs["image"], wanted["image"])
        assert np.array_equal(outputs["labels"], wanted["labels"])
        assert outputs["input_flags"].shape == (requests, 1)
        assert not outputs["input_flags"].any()
        outputs["image"][:] = 0  # what comes back is the caller's


WRONG = [
    ("person_labels", 20, "allowed: 0 to 19"),
    ("garment_labels", 255, "allowed: 0 to 19"),
    ("densepose", 25, "allowed: 0 to 24"),
    ("source", 3, "allowed: -1 to 2"),
    ("source", -2, "allowed: -1 to 2"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_values_that_no_shape_check_sees(client, message_client, local, batch, name, value, allowed):
    arrays = batch(2, 2)
    arrays[name][1].flat[0] = value
    with pytest.raises(InputError, match=allowed):
        local.engines.run(arrays)
    for tryon in (client, message_client):
        with pytest.raises(InputError) as raised:
            tryon.run(arrays)
        assert name in str(raised.value)
        assert allowed in str(raised.value)
        assert "\n" not in str(raised.value)
        assert not tryon.run(batch(1, 1))["input_flags"].any()  # and the next request is fine


def test_wrong_arrays_are_told_in_one_sentence(client, batch):
    arrays = batch(1, 1)
    with pytest.raises(InputError, match="source"):
        client.run({name: array for name, array in arrays.items() if name != "source"})
    with pytest.raises(InputError, match="unexpected shape for input 'densepose'"):
        client.run(arrays | {"densepose": arrays["densepose"][:, :9]})
    with pytest.raises(InputError, match="input densepose is float64"):
        client.run(arrays | {"densepose": arrays["densepose"].astype(float)})


def test_names_are_removed_from_shared_memory_at_once(client, server, batch):
    own = f"oviton-client-{os.getpid()}-*"
    others = set(regions(client))  # of clients of other tests, which the server may not have forgotten yet
    with TryOnClient(server.grpc_address) as fresh:
        fresh.run(batch(2, 2))
        first = set(regions(fresh)) - others
        assert len(first) == 1
        assert not list(Path("/dev/shm").glob(own))
        for count in (1, 2, 8):
            fresh.run(batch(count, 2))
        assert set(regions(fresh)) - others == first  # small requests share a region
    assert not first & set(regions(client))


def test_a_deadline_is_kept_and_its_region_is_not_used_again(client, batch):
    client.run(batch(1, 1))
    begun = time.monotonic()
    with pytest.raises(TimeoutError) as raised:
        client.run(batch(8, 8), timeout=0.002)
    assert isinstance(raised.value, DeadlineError)
    assert time.monotonic() - begun < 2
    outputs = client.run(batch(1, 1))
    assert not outputs["input_flags"].any()
    with pytest.raises(InputError, match="timeout: 0 given"):
        client.run(batch(1, 1), timeout=0)


def unregister(client, region):
    """Make the server forget a region; it may hold on to one for a moment after it has answered."""
    method, request = region.unregistration()
    for _ in range(100):
        try:
            return getattr(client._stub, method)(request)
        except grpc.RpcError as error:
            if "in use" not in error.details():
                raise
            time.sleep(0.05)
    pytest.fail(f"{region.name} stays in use")


def test_a_lost_region_is_made_anew(client, batch, local):
    """What a server that was started anew does: it does not know the regions any more."""
    arrays = batch(2, 2)
    wanted = client.run(arrays)
    (region,) = client._session.transport.pool._free
    unregister(client, region)
    assert np.array_equal(client.run(arrays)["image"], wanted["image"])
    assert client.transport == "system shared memory"


def test_a_server_that_refuses_shared_memory_gets_messages(server, batch, monkeypatch):
    from oviton.triton_models.client.regions import SystemRegion

    monkeypatch.setattr(SystemRegion, "on_registered", lambda self: None)

    def unregistrable(self):
        from oviton.triton_models.client.protocol import messages

        request = messages().SystemSharedMemoryRegisterRequest(name=self.name, key="/nowhere", byte_size=self.size)
        return "SystemSharedMemoryRegister", request

    monkeypatch.setattr(SystemRegion, "registration", unregistrable)
    with TryOnClient(server.grpc_address) as tryon:
        assert not tryon.run(batch(1, 1))["input_flags"].any()
        assert tryon.transport.startswith("messages (")
        assert "nowhere" in tryon.transport
    options = ClientOptions(shared_memory="system")
    with TryOnClient(server.grpc_address, options) as tryon, pytest.raises(ServerError, match="refuses shared memory"):
        tryon.run(batch(1, 1))
    assert not list(Path("/dev/shm").glob(f"oviton-client-{os.getpid()}-*"))


def test_a_cancelled_task_frees_its_region_later(server, person, garments, local):
    async def main():
        async with AsyncTryOnClient(server.grpc_address) as tryon:
            await tryon(person, garments[:1])
            task = asyncio.create_task(tryon(person, garments))
            await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await tryon(person, garments[:1])

    assert same(asyncio.run(main()), local(person, garments[:1]))


@pytest.mark.gpu
def test_cuda_shared_memory(server, batch, local):
    if not Path("/dev/nvidia0").exists():
        pytest.skip("no NVIDIA GPU here")
    arrays = batch(2, 2)
    with TryOnClient(server.grpc_address, ClientOptions(shared_memory="cuda")) as tryon:
        assert np.array_equal(tryon.run(arrays)["image"], local.engines.run(arrays)["image"])
