import pytest

from oviton.data.errors import DeadlineError, InputError, ServerError
from oviton.triton_models.client.faults import Fault, unwrapped


def error(code, message, answered=True):
    return Fault(code, message).error("host:8001", answered=answered)


def test_wrong_input_is_an_input_error_in_the_models_own_words():
    wrapped = (
        "in ensemble 'try_on', Failed to process the request(s) for model instance 'x_0', message: input a holds 9"
    )
    found = error("INVALID_ARGUMENT", wrapped)
    assert type(found) is InputError
    assert str(found) == "input a holds 9"
    assert unwrapped("[request id: <id_unknown>] unexpected shape") == "unexpected shape"
    assert unwrapped("message: ") == "message: "


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Connection refused", "is it running? start one with: oviton serve"),
        ("Trying to connect an http1.x server", "this port speaks HTTP/1; gRPC has its own"),
        ("Ssl handshake failed: certificate verify failed", "compare TLS settings"),
        ("DNS resolution failed", "no such host"),
    ],
)
def test_no_answer_says_what_may_help(message, words):
    found = error("UNAVAILABLE", message, answered=False)
    assert str(found).startswith("no Triton server answers at host:8001: ")
    assert words in str(found)
    assert found.retryable


def test_each_fault_has_its_error():
    assert isinstance(error("DEADLINE_EXCEEDED", "Deadline Exceeded"), TimeoutError)
    assert isinstance(error("DEADLINE_EXCEEDED", "Deadline Exceeded"), DeadlineError)
    away = error("UNAVAILABLE", "Socket closed")
    assert (type(away), away.code, away.retryable) == (ServerError, "UNAVAILABLE", True)
    unknown = error("NOT_FOUND", "Request for unknown model: 'try_on' is not found")
    assert "serves no such model" in str(unknown)
    assert not unknown.retryable
    for model in ("garment_encoder", "try_on_codes"):
        told = str(error("NOT_FOUND", f"Request for unknown model: '{model}' is not found"))
        assert told.endswith("build one with: oviton serve --codes")
    assert "no Triton server" in str(error("UNIMPLEMENTED", "Method not found!"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Request for unknown model: 'x' is not found", "NOT_FOUND"),
        ("Exceeds maximum queue size", "UNAVAILABLE"),
        ("[request id: 1] unexpected shape for input 'source'", "INVALID_ARGUMENT"),
        ("Request timeout expired", "UNAVAILABLE"),
        ("Request for unknown model: 'x' has no available versions", "UNAVAILABLE"),
        ("something else", "INTERNAL"),
    ],
)
def test_errors_without_a_code_are_read(text, code):
    assert Fault.of_text(text) == Fault(code, text)


@pytest.mark.parametrize("around", ["", "Failed to process the request(s) for model instance 'x_0', message: "])
@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"])
def test_errors_of_a_streams_model_begin_with_their_code(around, code):
    assert Fault.of_text(f"{around}{code}: steps: 0 is\nnot allowed") == Fault(code, "steps: 0 is not allowed")


class Failed(Exception):
    """As gRPC's own errors are."""

    def __init__(self, code, details):
        super().__init__(details)
        self.code, self.details = lambda: code, lambda: details


@pytest.mark.parametrize(
    ("code", "details", "wanted"),
    [
        ("NOT_FOUND", "Request for unknown model: 'try_on' has no available versions", "UNAVAILABLE"),
        ("NOT_FOUND", "Request for unknown model: 'try_on' is not found", "NOT_FOUND"),
        ("UNAVAILABLE", "This protocol is restricted, expecting header 'x'", "PERMISSION_DENIED"),
        ("UNAVAILABLE", "Exceeds maximum queue size", "UNAVAILABLE"),
    ],
)
def test_codes_by_which_triton_means_another(code, details, wanted):
    grpc = pytest.importorskip("grpc")
    fault = Fault.of(Failed(getattr(grpc.StatusCode, code), details))
    assert fault == Fault(wanted, details)
    assert fault.retryable == (wanted == "UNAVAILABLE")
