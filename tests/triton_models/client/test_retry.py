import pytest

from oviton import ClientOptions
from oviton.data.errors import DeadlineError
from oviton.triton_models.client.faults import Fault
from oviton.triton_models.client.retry import Attempts

AWAY = Fault("UNAVAILABLE", "connection refused")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def attempts(clock, *, timeout=60.0, answered=True, dice=1.0, **options):
    return Attempts(ClientOptions(**options), "host:1", timeout, answered, clock, lambda: dice)


def pauses(tries, clock):
    found = []
    while (pause := tries.pause_after(AWAY)) is not None:
        found.append(pause)
        clock.now += pause
    return found


def test_pauses_double_up_to_the_longest_and_end_with_patience():
    found = pauses(attempts(clock := Clock(), retry_for=10), clock)
    assert found[:5] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])
    assert set(found[5:]) == {2.0}
    assert 8 < sum(found) <= 10


def test_half_of_a_pause_is_random():
    assert attempts(Clock(), dice=0.0).pause_after(AWAY) == pytest.approx(0.05)
    assert attempts(Clock(), dice=0.5).pause_after(AWAY) == pytest.approx(0.075)


def test_a_server_that_never_answered_is_given_up_sooner():
    assert sum(pauses(attempts(clock := Clock(), answered=False, connect_timeout=1), clock)) <= 1
    assert sum(pauses(attempts(clock := Clock(), answered=True, connect_timeout=1), clock)) > 20


def test_the_deadline_counts_over_all_tries():
    clock = Clock()
    tries = attempts(clock, timeout=3)
    assert tries.remaining() == 3
    assert sum(pauses(tries, clock)) <= 3
    clock.now = 103
    with pytest.raises(DeadlineError, match=r"host:1: no answer within 3 s, in \d tries; the last fault: UNAVAILABLE"):
        tries.remaining()


@pytest.mark.parametrize(
    ("code", "message", "retryable"),
    [
        ("UNAVAILABLE", "Exceeds maximum queue size", True),
        ("INTERNAL", "Stub process 'shape_encoder_0_0' is not healthy.", True),
        ("INTERNAL", "the model divided by zero", False),
        ("INVALID_ARGUMENT", "unexpected shape", False),
        ("DEADLINE_EXCEEDED", "", False),
        ("NOT_FOUND", "Request for unknown model: 'x' is not found", False),
        ("UNKNOWN", "Stub process 'a' is not healthy", False),
    ],
)
def test_only_safe_faults_are_tried_again(code, message, retryable):
    fault = Fault(code, message)
    assert fault.retryable is retryable
    assert (attempts(Clock()).pause_after(fault) is not None) is retryable
