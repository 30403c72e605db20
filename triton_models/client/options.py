"""What a client is told: where the server is, and how patient, secure and local the connection is."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, get_args

from ...data.errors import InputError

DEFAULT_PORT = 8001
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

Memory = Literal["auto", "off", "system", "cuda"]


@dataclass(frozen=True)
class TLS:
    """Certificates of an encrypted connection.

    Parameters
    ----------
    ca
        PEM file of the authority that signed the server's certificate; None for the well-known ones.
    cert, key
        PEM files of this client's own certificate and key, for servers that ask for one (mTLS). Both or neither.

    Raises
    ------
    InputError
        When only one of `cert` and `key` is given.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise InputError("a client's certificate and its key go together; give both or neither")

    def read(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Return the content of authority, key and certificate.

        Raises
        ------
        InputError
            When a file cannot be read or is not PEM.
        """
        return _read_pem(self.ca), _read_pem(self.key), _read_pem(self.cert)


@dataclass(frozen=True)
class ClientOptions:
    """Options of a client. All times are in seconds.

    Parameters
    ----------
    timeout
        For a whole try-on, its retries included.
    refine_timeout
        For a whole refinement.
    connect_timeout
        How long a server that has not answered yet is tried.
    retry_for
        How long a server that has answered before is tried again when it goes away: it may be starting anew.
    first_pause, longest_pause
        Between tries; the pause doubles, and a random share of it is waited, so that clients do not return together.
    keepalive
        Between two pings while a call is under way, so that a dead connection is noticed.
    shared_memory
        ``"auto"``: system shared memory when the server is on this machine and accepts it, else bytes in messages;
        ``"off"``: always bytes; ``"system"``, ``"cuda"``: that one, or an error.
    device
        The GPU of ``"cuda"``.
    tls
        Certificates; None for a connection in the clear.

    Raises
    ------
    InputError
        When a time is not positive or a name is unknown.

    Examples
    --------
    >>> patient = ClientOptions(connect_timeout=30, shared_memory="off")
    >>> patient.timeout, patient.refine_timeout
    (60.0, 600.0)
    """

    timeout: float = 60.0
    refine_timeout: float = 600.0
    connect_timeout: float = 5.0
    retry_for: float = 30.0
    first_pause: float = 0.1
    longest_pause: float = 2.0
    keepalive: float = 30.0
    shared_memory: Memory = "auto"
    device: int = 0
    tls: TLS | None = field(default=None)

    def __post_init__(self) -> None:
        for name in ("timeout", "refine_timeout", "connect_timeout", "first_pause", "longest_pause", "keepalive"):
            check_seconds(name, getattr(self, name))
        if not 0 <= self.retry_for < math.inf:  # not at all is a wish, too
            raise InputError(f"client option retry_for: {self.retry_for!r} given; allowed: seconds, 0 or more")
        if self.shared_memory not in get_args(Memory):
            raise InputError(
                f"client option shared_memory: {self.shared_memory!r} given; allowed: {', '.join(get_args(Memory))}"
            )


@dataclass(frozen=True)
class Address:
    """Where a server is.

    Parameters
    ----------
    target
        ``host:port``, as gRPC wants it.
    secure
        Whether the address itself asked for TLS.
    """

    target: str
    secure: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``host``, ``host:port``, ``grpc://host:port`` or, for TLS, ``grpcs://host:port``.

        Raises
        ------
        InputError
            When it is something else.
        """
        allowed = "allowed: HOST:PORT, grpc://HOST:PORT or, with TLS, grpcs://HOST:PORT"
        scheme, separator, rest = text.strip().rpartition("://")
        if separator and scheme not in ("grpc", "grpcs"):
            raise InputError(f"server {text!r}: {scheme!r} is not spoken here; {allowed}")
        found = re.fullmatch(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?/?", rest)
        port = int((found and found["port"]) or DEFAULT_PORT)
        if found is None or not 0 < port < 65536:
            raise InputError(f"server {text!r} is no address; {allowed}")
        return cls(f"{found['host']}:{port}", scheme == "grpcs")

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, as far as its name tells."""
        return self.target.rpartition(":")[0] in LOCAL_HOSTS


def check_seconds(name: str, value: float) -> float:
    """Return a time that a caller gave.

    Raises
    ------
    InputError
        When it is not positive and finite.
    """
    if not 0 < value < math.inf:
        raise InputError(f"client option {name}: {value!r} given; allowed: seconds, above 0")
    return value


def _read_pem(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if b"-----BEGIN" not in content:
        raise InputError(f"{path}: not a PEM file; allowed: a certificate or key that starts with -----BEGIN")
    return content
