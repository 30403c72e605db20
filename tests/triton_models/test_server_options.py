"""What a server listens for, and what it warns of."""

from pathlib import Path

import pytest

from oviton.data.errors import InputError
from oviton.triton_models.server_options import ServerOptions

FILE = Path(__file__)
TLS = {"certificate": FILE, "key": FILE}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"certificate": FILE}, "needs both"),
        ({"client_ca": FILE}, "--tls-client-ca goes with"),
        ({"certificate": Path("no.pem"), "key": FILE}, r"no\.pem: no such file"),
        ({"grpc_port": 8002}, "one port is given twice"),
        ({"cache_mb": -1}, "0 or more"),
        ({**TLS, "client_ca": FILE, "http_port": 8000}, "HTTP lets in clients without certificates"),
        ({**TLS, "http_bind": "0.0.0.0", "http_port": 8000}, "--http-bind 0.0.0.0 does not go with TLS"),
    ],
)
def test_options_that_cannot_be(options, told):
    with pytest.raises(InputError, match=told):
        ServerOptions(**options)


def test_by_default_this_machine_reaches_grpc_and_metrics():
    options = ServerOptions()
    arguments = options.arguments()
    assert options.ports == {"grpc": 8001, "metrics": 8002}
    assert {"--allow-http=false", "--grpc-address=127.0.0.1", "--metrics-address=127.0.0.1"} <= {*arguments}
    assert not [argument for argument in arguments if "http-port" in argument or "http-address" in argument]
    assert options.warnings == ()


def test_each_port_has_its_own_address():
    """Metrics are not encrypted, so gRPC for everybody does not take them along."""
    options = ServerOptions(bind="0.0.0.0", **TLS, client_ca=FILE)
    arguments = options.arguments()
    assert {"--grpc-address=0.0.0.0", "--metrics-address=127.0.0.1", "--allow-http=false"} <= {*arguments}
    assert {"--grpc-use-ssl-mutual=true", f"--grpc-root-cert={FILE}"} <= {*arguments}
    assert options.warnings == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"bind": "0.0.0.0"}, "anyone who reaches 0.0.0.0 can send requests, unencrypted"),
        ({"metrics_bind": "0.0.0.0"}, "anyone who reaches 0.0.0.0 can read the metrics"),
        ({"http_port": 8000}, "HTTP is on: anyone who reaches 127.0.0.1 can end the server"),
        ({"http_port": 8000, "http_bind": "10.0.0.1"}, "HTTP is on: anyone who reaches 10.0.0.1"),
        ({"shared_memory": True}, "shared memory is on"),
    ],
)
def test_what_is_opened_is_warned_of_in_a_line(options, told):
    (warning,) = ServerOptions(**options).warnings
    assert warning.startswith(told)
    assert "\n" not in warning


def test_nobody_can_send_the_header_that_opens_what_is_closed():
    """HTTP/2 headers are lower case; and the value is drawn anew each time."""
    (closed,) = [argument for argument in ServerOptions().arguments() if "restricted" in argument]
    parts, header = closed.partition("=")[2].split(":")
    key, value = header.split("=")
    assert set(parts.split(",")) == {"model-repository", "trace", "logging", "shared-memory"}
    assert key != key.lower()
    assert len(value) == 32
    assert closed not in ServerOptions().arguments()
    (open_ended,) = [argument for argument in ServerOptions(shared_memory=True).arguments() if "restricted" in argument]
    assert "shared-memory" not in open_ended
