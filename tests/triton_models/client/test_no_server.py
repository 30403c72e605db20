"""What a client says when nobody, or somebody else, answers."""

import socket
import threading
import time

import pytest

from oviton import ClientOptions, ServerError, TryOnClient
from oviton.data.errors import ClosedError

pytest.importorskip("grpc")


@pytest.fixture
def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_a_server_that_is_not_there(free_port):
    begun = time.monotonic()
    with TryOnClient(f"127.0.0.1:{free_port}", ClientOptions(connect_timeout=0.5)) as client:
        assert not client.ready()
        with pytest.raises(
            ServerError, match=f"no Triton server answers at 127.0.0.1:{free_port}: .*oviton serve"
        ) as e:
            _ = client.model
    assert (e.value.code, e.value.retryable) == ("UNAVAILABLE", True)
    assert time.monotonic() - begun < 10
    with pytest.raises(ClosedError, match="closed"):
        _ = client.model


def test_a_server_that_speaks_http():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            for _ in range(20):
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        target = f"127.0.0.1:{listening.getsockname()[1]}"
        with TryOnClient(target, ClientOptions(connect_timeout=0.5)) as client, pytest.raises(ServerError) as raised:
            _ = client.model
    assert target in str(raised.value)


def test_try_on_says_in_one_line_that_no_server_answers(run, people, out, free_port):
    status, stdout, stderr = run(
        "try-on", people / "ana", "--wear", f"upper_clothes={people / 'ben'}", "-o", out / "a.png",
        "--server", f"grpc://127.0.0.1:{free_port}", "--server-timeout", "0.5",
    )  # fmt: skip
    assert (status, stdout) == (1, "")
    assert stderr.count("\n") == 1
    assert f"no Triton server answers at 127.0.0.1:{free_port}" in stderr
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--server", "http://x:8000"], "'http' is not spoken here"),
        (["--server", "x", "--engine", "torch"], "--engine: the server has its own"),
        (["--server", "x", "--precision", "fp32"], "--precision: the server has its own"),
        (["--server", "x", "--bundle", "b"], "--bundle: the server has its own"),
        (["--server", "x", "--refine", "3", "--save-outfit", "o.safetensors"], "--keep-outfit keeps it there"),
        (["--server", "x", "--keep-outfit"], "--keep-outfit goes with --refine"),
        (["--keep-outfit", "--refine", "3"], "--keep-outfit goes with --server"),
        (["--server-ca", "ca.pem"], "--server-ca goes with --server"),
        (["--server-timeout", "3"], "--server-timeout goes with --server"),
        (["--server", "x", "--server-timeout", "0"], "allowed: seconds, above 0"),
        (["--server", "x", "--server-cert", "c.pem"], "go together"),
        (["--server", "x", "--server-ca", "nowhere.pem"], "nowhere.pem: cannot be read"),
        (["--server", "x", "--outfit", "abc"], "the id of 32 hexadecimal digits"),
    ],
)
def test_wrong_options_are_one_line_and_no_file(run, people, out, arguments, words):
    status, stdout, stderr = run(
        "try-on", people / "ana", "--wear", f"upper_clothes={people / 'ben'}", "-o", out / "a.png", *arguments
    )
    assert (status, stdout) == (2, "")
    assert words in stderr
    assert stderr.count("\n") == 1
    assert not list(out.iterdir())
