"""What a client does, written once: a flow asks for calls and pauses, and a driver, sync or async, carries them out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator
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


Flow = Generator[Call | Pause, Any, Result]


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
    while (wish := run.wish()) is not None:
        with run.answering():
            if isinstance(wish, Pause):
                time.sleep(wish.seconds)
            else:
                run.reply = getattr(stub, wish.method)(wish.request, timeout=wish.timeout)
    return run.result


async def drive_async(flow: Flow[Result], stub: Any) -> Result:
    """Carry a flow out in the running event loop; a cancelled task cancels its call."""
    run = _Run(flow)
    while (wish := run.wish()) is not None:
        with run.answering():
            if isinstance(wish, Pause):
                await asyncio.sleep(wish.seconds)
            else:
                run.reply = await getattr(stub, wish.method)(wish.request, timeout=wish.timeout)
    return run.result


class _Run(Generic[Result]):
    """A flow on its way, from wish to wish."""

    result: Result

    def __init__(self, flow: Flow[Result]) -> None:
        self.reply: Any = None
        self._flow, self._error = flow, cast("BaseException | None", None)

    def wish(self) -> Call | Pause | None:
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
