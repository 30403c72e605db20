import asyncio

import pytest

from oviton.triton_models.client.faults import Fault
from oviton.triton_models.client.flow import Call, CallError, Pause, drive, drive_async
from oviton.triton_models.client.options import ClientOptions
from oviton.triton_models.client.regions import SystemRegion
from oviton.triton_models.client.session import Session

grpc = pytest.importorskip("grpc")


class Failed(grpc.RpcError):
    def code(self):
        return grpc.StatusCode.UNAVAILABLE

    def details(self):
        return "away\nfor now"


class Stub:
    """Fails as often as told, then answers with what it got."""

    def __init__(self, failures, asynchronous):
        self.failures, self.asynchronous, self.timeouts = failures, asynchronous, []

    def Echo(self, request, timeout):
        self.timeouts.append(timeout)
        if self.asynchronous:
            return self._answer_later(request)
        return self._answer(request)

    def _answer(self, request):
        if self.failures:
            self.failures -= 1
            raise Failed
        return request

    async def _answer_later(self, request):
        return self._answer(request)


def flow(cleaned, faults=None):
    try:
        for _ in range(3):
            try:
                return (yield Call("Echo", "hello", 1.5))
            except CallError as error:
                if faults is not None:
                    faults.append(error.fault)
            yield Pause(0.001)
        raise ValueError("given up")
    finally:
        cleaned.append(True)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_drivers_carry_out_calls_and_pauses(asynchronous):
    def run(stub, cleaned, faults=None):
        if asynchronous:
            return asyncio.run(drive_async(flow(cleaned, faults), stub))
        return drive(flow(cleaned, faults), stub)

    stub, faults = Stub(2, asynchronous), []
    assert run(stub, [], faults) == "hello"
    assert faults == [Fault("UNAVAILABLE", "away for now")] * 2
    assert stub.timeouts == [1.5] * 3
    with pytest.raises(ValueError, match="given up"):
        run(Stub(3, asynchronous), cleaned := [])
    assert cleaned == [True]


def test_a_cancelled_task_cleans_up():
    class Slow:
        async def Echo(self, request, timeout):
            await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(drive_async(flow(cleaned), Slow()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    cleaned = []
    asyncio.run(main())
    assert cleaned == [True]


def test_an_interrupt_cleans_up():
    class Interrupted:
        def Echo(self, request, timeout):
            raise KeyboardInterrupt

    cleaned = []
    with pytest.raises(KeyboardInterrupt):
        drive(flow(cleaned), Interrupted())
    assert cleaned == [True]


def test_a_farewell_looks_again_at_a_region_that_is_in_use():
    """A server's answer may arrive a moment before it lets go of what it read."""
    session = Session("localhost:1", ClientOptions(shared_memory="system"))
    region = SystemRegion(10)
    session._retired = [region]
    flow = session.farewell()
    in_use = CallError(Fault("INTERNAL", f"shared memory region '{region.name}' is in use"))
    assert next(flow).method == "SystemSharedMemoryUnregister"
    assert isinstance(flow.throw(in_use), Pause)
    assert flow.send(None).method == "SystemSharedMemoryUnregister"
    with pytest.raises(StopIteration):
        flow.send(None)
    assert session._retired == []
