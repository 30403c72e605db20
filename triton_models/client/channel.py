"""The one gRPC channel of a client: never capped, kept alive, reconnecting soon."""

from __future__ import annotations

from typing import Any

from .options import TLS, Address, ClientOptions
from .protocol import grpc


def open_channel(address: Address, options: ClientOptions) -> Any:
    """Return a channel for threads. Nothing connects before the first call."""
    return _open(grpc(), address, options)


def open_async_channel(address: Address, options: ClientOptions) -> Any:
    """Return a channel for the running event loop."""
    return _open(grpc().aio, address, options)


def channel_arguments(options: ClientOptions) -> list[tuple[str, int]]:
    """Return gRPC's own settings."""
    return [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.keepalive_time_ms", int(options.keepalive * 1000)),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Servers end connections that ping without a call; idle ones may die, the next call reconnects.
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.http2.max_pings_without_data", 0),
        # gRPC would wait up to two minutes before it looks for a server that is back.
        ("grpc.initial_reconnect_backoff_ms", int(options.first_pause * 1000)),
        ("grpc.min_reconnect_backoff_ms", int(options.first_pause * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(options.longest_pause * 1000)),
        # Retries are ours: gRPC's own would not know which errors of Triton are safe.
        ("grpc.enable_retries", 0),
    ]


def _open(module: Any, address: Address, options: ClientOptions) -> Any:
    arguments = channel_arguments(options)
    if options.tls is None and not address.secure:
        return module.insecure_channel(address.target, options=arguments)
    credentials = grpc().ssl_channel_credentials(*(options.tls or TLS()).read())
    return module.secure_channel(address.target, credentials, options=arguments)
