"""Triton's gRPC protocol, as `tritonclient` generates it; imported when a client is first made."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from ...data.optional import require

PURPOSE = "a client of a Triton server"
EXTRA = "client"


@cache
def grpc() -> Any:
    """Return the module `grpc`."""
    return require("grpc", purpose=PURPOSE, extra=EXTRA)


@cache
def messages() -> Any:
    """Return Triton's protobuf messages."""
    grpc()
    require("tritonclient", purpose=PURPOSE, extra=EXTRA)
    return importlib.import_module("tritonclient.grpc.service_pb2")


def make_stub(channel: Any) -> Any:
    """Return Triton's methods on a channel."""
    messages()
    return importlib.import_module("tritonclient.grpc.service_pb2_grpc").GRPCInferenceServiceStub(channel)
