import pytest

from oviton import ClientOptions, InputError
from oviton.triton_models.client.options import TLS, Address


@pytest.mark.parametrize(
    ("text", "target", "secure", "local"),
    [
        ("localhost", "localhost:8001", False, True),
        ("127.0.0.1:9", "127.0.0.1:9", False, True),
        ("grpc://gpu-7.example.org:8001", "gpu-7.example.org:8001", False, False),
        ("grpcs://gpu_7:443/", "gpu_7:443", True, False),
        ("[::1]:8001", "[::1]:8001", False, True),
        (" [fe80::1]", "[fe80::1]:8001", False, False),
    ],
)
def test_addresses(text, target, secure, local):
    address = Address.parse(text)
    assert (address.target, address.secure, address.is_local) == (target, secure, local)


@pytest.mark.parametrize(
    "text", ["", "http://host:8000", "host:0", "host:70000", "a b", "host:port", "host:1:2", "::1"]
)
def test_what_is_no_address_is_refused_and_named(text):
    with pytest.raises(InputError, match="allowed: HOST:PORT") as raised:
        Address.parse(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [{"timeout": 0}, {"timeout": float("nan")}, {"retry_for": -1}, {"keepalive": float("inf")}, {"connect_timeout": 0}],
)
def test_times_out_of_range_are_refused(options):
    with pytest.raises(InputError, match=f"client option {next(iter(options))}: .* given; allowed: seconds"):
        ClientOptions(**options)


def test_an_unknown_kind_of_memory_is_refused():
    with pytest.raises(InputError, match="'gpu' given; allowed: auto, off, system, cuda"):
        ClientOptions(shared_memory="gpu")


def test_certificates_are_read_and_checked(tmp_path):
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    assert TLS(pem).read() == (pem.read_bytes(), None, None)
    with pytest.raises(InputError, match="go together"):
        TLS(cert=pem)
    with pytest.raises(InputError, match=r"no\.pem: cannot be read"):
        TLS(tmp_path / "no.pem").read()
    pem.write_text("hello")
    with pytest.raises(InputError, match="not a PEM file"):
        TLS(pem).read()
