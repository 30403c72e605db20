"""What can go wrong on the wire, which of it is safe to try again, and the error that a caller sees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...data.errors import DeadlineError, InputError, ServerError
from ..codes import GARMENT_ENCODER, TRY_ON_CODES

DEAD_PROCESS = re.compile(r"[Ss]tub process .*is not healthy", re.DOTALL)
"""How Triton tells, as INTERNAL, that the process of a Python model died; it starts a new one."""

LOST_REGION = re.compile(r"[Uu]nable to find (system |cuda )?shared memory region")
"""How a server that was started anew tells that it does not know our regions."""

STOPPING = re.compile(r"has no available versions")
"""How a server that is stopping tells, as NOT_FOUND, that it has unloaded a model; one never does so otherwise."""

CLOSED = re.compile(r"protocol is restricted")
"""How a server tells, as UNAVAILABLE, that nobody may use a part of its API."""

WRAPPED = re.compile(r"^(?:\[request id: [^\]]*\] |in ensemble '[^']*', |.*?message: (?:TritonModelException: )?)+")
"""Triton's words around an error."""

CODED = re.compile(r"^(INVALID_ARGUMENT|NOT_FOUND|INTERNAL): (.*)", re.DOTALL)
"""How the errors of our own models begin in a stream, whose responses bear no code."""

UNCODED = (
    (STOPPING, "UNAVAILABLE"),
    (re.compile(r"unknown model"), "NOT_FOUND"),
    (
        re.compile(r"maximum queue size|timeout expired|unavailable|is not ready|shutting down", re.IGNORECASE),
        "UNAVAILABLE",
    ),
    (re.compile(r"unexpected|expected|required|invalid|unsupported", re.IGNORECASE), "INVALID_ARGUMENT"),
)
"""What texts mean that a stream bears without a code: Triton refused the request before it came to a model."""


@dataclass(frozen=True)
class Fault:
    """A failed call.

    Parameters
    ----------
    code
        gRPC's name of its status, such as ``"UNAVAILABLE"``.
    message
        What the server or the network said, on one line.
    """

    code: str
    message: str

    @classmethod
    def of(cls, error: Any) -> Fault:
        """Read a `grpc.RpcError`."""
        code = error.code() if callable(getattr(error, "code", None)) else None
        details = error.details() if callable(getattr(error, "details", None)) else str(error)
        message = " ".join((details or "no reason given").split())
        if STOPPING.search(message):
            return cls("UNAVAILABLE", message)
        if CLOSED.search(message):
            return cls("PERMISSION_DENIED", message)
        return cls(getattr(code, "name", "UNKNOWN"), message)

    @classmethod
    def of_text(cls, text: str) -> Fault:
        """Read the error that a streamed response bears."""
        told = " ".join(text.split())
        coded = CODED.match(unwrapped(told))
        if coded is not None:
            return cls(*coded.groups())
        return cls(next((code for pattern, code in UNCODED if pattern.search(told)), "INTERNAL"), told)

    @property
    def retryable(self) -> bool:
        """Whether trying again is safe and may help: the request was not answered, and the fault passes."""
        return self.code == "UNAVAILABLE" or (self.code == "INTERNAL" and bool(DEAD_PROCESS.search(self.message)))

    @property
    def lost_region(self) -> bool:
        """Whether the server does not know a shared memory region."""
        return bool(LOST_REGION.search(self.message))

    def error(self, target: str, *, answered: bool) -> Exception:
        """Return what a caller sees.

        Parameters
        ----------
        target
            The server's address.
        answered
            Whether it has ever answered this client.
        """
        told = unwrapped(self.message)
        if self.code == "NOT_FOUND" and "unknown model" in self.message:
            codes = " --codes" if any(f"'{model}'" in self.message for model in (GARMENT_ENCODER, TRY_ON_CODES)) else ""
            return ServerError(f"{target} serves no such model: {told}; build one with: oviton serve{codes}", self.code)
        if self.code in ("INVALID_ARGUMENT", "NOT_FOUND"):
            return InputError(told)
        if self.code == "DEADLINE_EXCEEDED":
            return DeadlineError(f"{target} did not answer in time ({told}); allow a longer timeout")
        if self.code == "UNAVAILABLE" and not answered:
            told = _no_answer(target, self.message)
        elif self.code == "UNIMPLEMENTED":
            told = f"{target} answers, but is no Triton server ({told})"
        else:
            told = f"{target}: {self.code}: {told}"
        return ServerError(told, self.code, retryable=self.retryable)


def unwrapped(message: str) -> str:
    """Return a model's own sentence without Triton's around it, nor the traceback that may follow."""
    return WRAPPED.sub("", message).split(" At: ")[0].strip() or message


def _no_answer(target: str, message: str) -> str:
    if "http1" in message:
        hint = "this port speaks HTTP/1; gRPC has its own, 8001 by default"
    elif "handshake" in message.lower() or "ssl" in message.lower() or "certificate" in message.lower():
        hint = f"the encrypted connection failed ({message}); compare TLS settings and certificates"
    elif "name resolution" in message.lower() or "dns" in message.lower():
        hint = "no such host is known"
    else:
        hint = f"{message}; is it running? start one with: oviton serve"
    return f"no Triton server answers at {target}: {hint}"
