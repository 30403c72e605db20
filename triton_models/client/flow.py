"""What a client does, written once: a flow asks for calls and pauses, and a driver, sync or async, carries them out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from .faults import Fault
from .protocol import grpc
from .retry import Attempts

Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """Ask for a call; the flow gets the reply, or a `CallError`."""

    method: str
    request: Any
    timeout: float


@dataclass(frozen=True)
class Pause:
    """Ask for a pause."""

    seconds: float


@dataclass(frozen=True)
class Open:
    """Ask for a stream of answers to one request; the flow gets the stream."""

    request: Any
    timeout: float


@dataclass(frozen=True)
class Receive:
    """Ask for a stream's next answer; the flow gets it, None at the end, or a `CallError`."""

    stream: Any


@dataclass(frozen=True)
class Emit:
    """Hand something to whoever iterates over the flow."""

    value: Any


Wish = Call | Pause | Open | Receive | Emit
Flow = Generator[Wish, Any, Result]


class CallError(Exception):
    """A call failed, for good or not; flows turn it into what callers see."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.code}: {fault.message}")
        self.fault = fault


def retried(method: str, request: Any, attempts: Attempts) -> Flow[Any]:
    """Call until it works, or another try is not safe, or patience ends."""
    while True:
        try:
            return (yield Call(method, request, attempts.remaining()))
        except CallError as error:
            pause = attempts.pause_after(error.fault)
            if pause is None:
                raise
        yield Pause(pause)


def drive(flow: Flow[Result], stub: Any) -> Result:
    """Carry a flow out in this thread."""
    run = _Run(flow)
    for _ in _emitted(run, stub):
        pass
    return run.result


def iterate(flow: Flow[Any], stub: Any) -> Iterator[Any]:
    """Carry a flow out in this thread, yielding what it emits."""
    return _emitted(_Run(flow), stub)


async def drive_async(flow: Flow[Result], stub: Any) -> Result:
    """Carry a flow out in the running event loop; a cancelled task cancels its call."""
    run = _Run(flow)
    async for _ in _emitted_async(run, stub):
        pass
    return run.result


def iterate_async(flow: Flow[Any], stub: Any) -> AsyncIterator[Any]:
    """Carry a flow out in the running event loop, yielding what it emits."""
    return _emitted_async(_Run(flow), stub)


class _Run(Generic[Result]):
    """A flow on its way, from wish to wish."""

    result: Result

    def __init__(self, flow: Flow[Result]) -> None:
        self.reply: Any = None
        self._flow, self._error = flow, cast("BaseException | None", None)

    def wish(self) -> Wish | None:
        """Hand the last reply or error to the flow, and return what it asks for next; None at its end."""
        reply, error = self.reply, self._error
        self.reply = self._error = None
        try:
            return self._flow.send(reply) if error is None else self._flow.throw(error)
        except StopIteration as stop:
            self.result = stop.value
            return None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Keep what is raised for the flow, so that an interrupted one cleans up."""
        try:
            yield
        except grpc().RpcError as fault:
            self._error = CallError(Fault.of(fault))
        except BaseException as other:
            self._error = other


def _emitted(run: _Run[Any], stub: Any) -> Iterator[Any]:
    while (wish := run.wish()) is not None:
        if isinstance(wish, Emit):
            yield wish.value
            continue
        with run.answering():
            match wish:
                case Pause(seconds):
                    time.sleep(seconds)
                case Call(method, request, timeout):
                    run.reply = getattr(stub, method)(request, timeout=timeout)
                case Open(request, timeout):
                    run.reply = stub.ModelStreamInfer(iter([request]), timeout=timeout)
                case Receive(stream):
                    run.reply = next(stream, None)


async def _emitted_async(run: _Run[Any], stub: Any) -> AsyncIterator[Any]:
    while (wish := run.wish()) is not None:
        if isinstance(wish, Emit):
            yield wish.value
            continue
        with run.answering():
            match wish:
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Call(method, request, timeout):
                    run.reply = await getattr(stub, method)(request, timeout=timeout)
                case Open(request, timeout):
                    run.reply = stub.ModelStreamInfer(iter([request]), timeout=timeout)
                case Receive(stream):
                    answer = await stream.read()
                    run.reply = None if answer is grpc().aio.EOF else answer
