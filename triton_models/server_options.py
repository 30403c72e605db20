"""How a server is started: ports, address, TLS."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ..data.errors import InputError

LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class ServerOptions:
    """Options of a server.

    Parameters
    ----------
    grpc_port, http_port, metrics_port
        Ports; 0 takes a free one.
    bind
        Address for gRPC, and without TLS for HTTP; metrics likewise. Triton's HTTP knows no TLS, so with TLS it stays
        on this machine.
    certificate, key
        PEM files of the server; both turn TLS on for gRPC.
    client_ca
        PEM file of the authority whose clients are let in (mutual TLS).
    cache_mb
        Megabytes of Triton's response cache; 0 for none.
    rate_limit
        Let models run only while Triton's rate limiter has resources.
    stop_seconds
        How long requests in flight may take when the server stops.

    Raises
    ------
    InputError
        When options contradict each other or a file is missing.
    """

    grpc_port: int = 8001
    http_port: int = 8000
    metrics_port: int = 8002
    bind: str = LOCAL
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    cache_mb: int = 0
    rate_limit: bool = False
    stop_seconds: int = 10

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InputError("TLS needs both --tls-cert and --tls-key; give both or none")
        if self.client_ca is not None and self.certificate is None:
            raise InputError("--tls-client-ca goes with --tls-cert and --tls-key")
        for path in (self.certificate, self.key, self.client_ca):
            if path is not None and not path.is_file():
                raise InputError(f"{path}: no such file; allowed: a PEM file")
        if self.cache_mb < 0:
            raise InputError(f"response cache of {self.cache_mb} MB; allowed: 0 or more")
        ports = [port for port in self.ports.values() if port]
        if len(ports) != len(set(ports)):
            raise InputError(f"one port is given twice: {', '.join(map(str, ports))}; give each its own")

    @property
    def ports(self) -> dict[str, int]:
        """Return ports by what they are for."""
        return {"grpc": self.grpc_port, "http": self.http_port, "metrics": self.metrics_port}

    @property
    def http_bind(self) -> str:
        """Return where HTTP listens."""
        return LOCAL if self.certificate is not None else self.bind

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
                    probe.bind((self.bind, port))
                except OSError as error:
                    raise InputError(
                        f"cannot listen on {self.bind}:{port} ({error.strerror}); "
                        f"choose another --{name}-port or --bind"
                    ) from None
                chosen[f"{name}_port"] = probe.getsockname()[1]
        return replace(self, **chosen)  # type: ignore[arg-type]

    def arguments(self) -> list[str]:
        """Return Triton's arguments."""
        found = [
            f"--grpc-address={self.bind}", f"--grpc-port={self.grpc_port}",
            f"--http-address={self.http_bind}", f"--http-port={self.http_port}",
            f"--metrics-address={self.bind}", f"--metrics-port={self.metrics_port}",
            f"--exit-timeout-secs={self.stop_seconds}",
            "--model-load-thread-count=8",
            "--disable-auto-complete-config",
            # Clients keep their connection alive while a refinement computes.
            "--grpc-http2-min-recv-ping-interval-without-data=10000",
            "--grpc-http2-max-ping-strikes=0",
        ]  # fmt: skip
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
