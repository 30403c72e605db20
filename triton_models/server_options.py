"""How a server is started: what it listens for and where, TLS, what clients may do."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ..data.errors import InputError

LOCAL = "127.0.0.1"

ADMINISTRATION = ("model-repository", "trace", "logging")
"""What concerns the server's owner: loading models, and settings that name files to write."""

CLOSED = "Closed"
"""The header that would open a closed part of the API. Headers are lower case, so that nobody can send it."""


@dataclass(frozen=True)
class ServerOptions:
    """Options of a server.

    Parameters
    ----------
    grpc_port, metrics_port
        Ports; 0 takes a free one. Default: 8001 and 8002.
    http_port
        The port of HTTP, which is off by default (None), since one request of deeply nested JSON ends Triton.
    bind
        The address for gRPC. Default: this machine only.
    certificate, key
        PEM files of the server; both turn TLS on for gRPC.
    client_ca
        PEM file of the authority whose clients are let in (mutual TLS). HTTP would let in everybody, so the two do not
        go together.
    cache_mb
        Megabytes of Triton's response cache; 0 for none.
    rate_limit
        Let models run only while Triton's rate limiter has resources.
    stop_seconds
        How long requests in flight may take when the server stops.
    http_bind, metrics_bind
        The addresses for HTTP and metrics, which Triton can neither encrypt nor restrict to some clients. Default: this
        machine only.
    shared_memory
        Let clients on this machine register shared memory, in which their pictures need not be copied. Triton lets each
        client read, overwrite and unregister every other's, so that is off by default.

    Raises
    ------
    InputError
        When options contradict each other or a file is missing.
    """

    grpc_port: int = 8001
    http_port: int | None = None
    metrics_port: int = 8002
    bind: str = LOCAL
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    cache_mb: int = 0
    rate_limit: bool = False
    stop_seconds: int = 10
    http_bind: str = LOCAL
    metrics_bind: str = LOCAL
    shared_memory: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InputError("TLS needs both --tls-cert and --tls-key; give both or none")
        if self.client_ca is not None and self.certificate is None:
            raise InputError("--tls-client-ca goes with --tls-cert and --tls-key")
        for path in (self.certificate, self.key, self.client_ca):
            if path is not None and not path.is_file():
                raise InputError(f"{path}: no such file; allowed: a PEM file")
        if self.http_port is not None and self.client_ca is not None:
            raise InputError("--http-port does not go with --tls-client-ca: HTTP lets in clients without certificates")
        if self.http_port is not None and self.certificate is not None and self.http_bind != LOCAL:
            raise InputError(f"--http-bind {self.http_bind} does not go with TLS, which HTTP knows nothing of")
        if self.cache_mb < 0:
            raise InputError(f"response cache of {self.cache_mb} MB; allowed: 0 or more")
        ports = [port for port in self.ports.values() if port]
        if len(ports) != len(set(ports)):
            raise InputError(f"one port is given twice: {', '.join(map(str, ports))}; give each its own")

    @property
    def ports(self) -> dict[str, int]:
        """Return ports by what they are for."""
        ports = {"grpc": self.grpc_port, "http": self.http_port, "metrics": self.metrics_port}
        return {name: port for name, port in ports.items() if port is not None}

    @property
    def binds(self) -> dict[str, str]:
        """Return addresses by what they are for."""
        return {"grpc": self.bind, "http": self.http_bind, "metrics": self.metrics_bind}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a user should know before anybody else finds out."""
        found = []
        if self.bind != LOCAL and self.certificate is None:
            told = "anyone who reaches {} can send requests, unencrypted; --tls-cert and --tls-key encrypt them"
            found.append(told.format(self.bind))
        if self.http_port is not None:
            told = "HTTP is on: anyone who reaches {} can end the server with one request of deeply nested JSON"
            found.append(told.format(self.http_bind))
        if self.metrics_bind != LOCAL:
            found.append(f"anyone who reaches {self.metrics_bind} can read the metrics, unencrypted")
        if self.shared_memory:
            found.append("shared memory is on: each client can read and overwrite what the others put there")
        return tuple(found)

    def with_ports(self) -> ServerOptions:
        """Return options whose free ports are chosen and whose given ports are known to be free.

        Raises
        ------
        InputError
            When a port is in use or the address is not this machine's.
        """
        chosen: dict[str, int] = {}
        with ExitStack() as held:
            for name, port in self.ports.items():
                probe = held.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.binds[name], port))
                except OSError as error:
                    raise InputError(
                        f"cannot listen on {self.binds[name]}:{port} ({error.strerror}); "
                        f"choose another --{name}-port or --{'' if name == 'grpc' else f'{name}-'}bind"
                    ) from None
                chosen[f"{name}_port"] = probe.getsockname()[1]
        return replace(self, **chosen)  # type: ignore[arg-type]

    @property
    def closed(self) -> tuple[str, ...]:
        """Return the parts of Triton's API that no client may use."""
        return (*ADMINISTRATION, *(() if self.shared_memory else ("shared-memory",)))

    def arguments(self) -> list[str]:
        """Return Triton's arguments."""
        found = [
            f"--grpc-address={self.bind}", f"--grpc-port={self.grpc_port}",
            f"--metrics-address={self.metrics_bind}", f"--metrics-port={self.metrics_port}",
            f"--grpc-restricted-protocol={','.join(self.closed)}:{CLOSED}={secrets.token_hex(16)}",
            f"--exit-timeout-secs={self.stop_seconds}",
            "--model-load-thread-count=8",
            "--disable-auto-complete-config",
            # Clients keep their connection alive while a refinement computes.
            "--grpc-http2-min-recv-ping-interval-without-data=10000",
            "--grpc-http2-max-ping-strikes=0",
        ]  # fmt: skip
        if self.http_port is None:
            found.append("--allow-http=false")
        else:
            found += [f"--http-address={self.http_bind}", f"--http-port={self.http_port}"]
        if self.certificate is not None:
            mutual = "--grpc-use-ssl-mutual=true" if self.client_ca is not None else "--grpc-use-ssl=true"
            found += [mutual, f"--grpc-server-cert={self.certificate}", f"--grpc-server-key={self.key}"]
        if self.client_ca is not None:
            found.append(f"--grpc-root-cert={self.client_ca}")
        if self.cache_mb:
            found.append(f"--cache-config=local,size={self.cache_mb << 20}")
        if self.rate_limit:
            found.append("--rate-limit=execution_count")
        return found
