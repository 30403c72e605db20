"""What can go wrong, in one hierarchy; every message is one line that says what to do.

==================  ===========================================================  ===========
error               whose fault                                                  exit status
==================  ===========================================================  ===========
`InputError`        the caller's: a file, a value, an option                     2
`EngineError`       an engine's: none runs here, or a build or run failed        1
`GateError`         a network's: two forms that must agree do not                1
`ServerError`       a server's: it cannot be reached, is full, or failed         1
`ClosedError`       the caller's: something is used after it was closed          1
==================  ===========================================================  ===========
"""

from __future__ import annotations


class OvitonError(Exception):
    """Anything that oviton raises on purpose. ``except OvitonError`` catches all of it and nothing else."""


class InputError(OvitonError, ValueError):
    """Input that cannot be used; its one-line message names the thing, its value and what is allowed.

    The command line prints it without a traceback and exits with status 2.
    """


class MissingExtraError(InputError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""


class EngineError(OvitonError, RuntimeError):
    """No engine runs here, or one failed to build, load or run a graph."""


class GateError(OvitonError, RuntimeError):
    """A numerical gate failed: two forms of one network that must agree do not."""


class ClosedError(OvitonError, RuntimeError):
    """Something was used after it was closed."""


class ServerError(OvitonError, RuntimeError):
    """A server did not do what it was asked, through no fault of the input.

    Parameters
    ----------
    message
        One line: which server, what happened, what to do.
    code
        gRPC's name of the status, such as ``"UNAVAILABLE"``.
    retryable
        Whether asking again later is safe and may help. Default: False.
    """

    def __init__(self, message: str, code: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code, self.retryable = code, retryable


class DeadlineError(ServerError, TimeoutError):
    """A server did not answer within the time that it was given."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "DEADLINE_EXCEEDED")
