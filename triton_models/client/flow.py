"""What a client does, written once: a flow asks for calls and pauses, and a driver, sync or async, carries them out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

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
    failed = grpc().RpcError
    reply: Any = None
    error: BaseException | None = None
    while True:
        try:
            wish = flow.send(reply) if error is None else flow.throw(error)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        reply = error = None
        try:
            if isinstance(wish, Pause):
                time.sleep(wish.seconds)
            else:
                reply = getattr(stub, wish.method)(wish.request, timeout=wish.timeout)
        except failed as fault:
            error = CallError(Fault.of(fault))
        except BaseException as other:  # so that an interrupted flow cleans up
            error = other


async def drive_async(flow: Flow[Result], stub: Any) -> Result:
    """Carry a flow out in the running event loop; a cancelled task cancels its call."""
    failed = grpc().RpcError
    reply: Any = None
    error: BaseException | None = None
    while True:
        try:
            wish = flow.send(reply) if error is None else flow.throw(error)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        reply = error = None
        try:
            if isinstance(wish, Pause):
                await asyncio.sleep(wish.seconds)
            else:
                reply = await getattr(stub, wish.method)(wish.request, timeout=wish.timeout)
        except failed as fault:
            error = CallError(Fault.of(fault))
        except BaseException as other:
            error = other
