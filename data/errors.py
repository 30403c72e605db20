"""The errors a user can cause and mend."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used; its one-line message names the thing, its value and what is allowed.

    The command line prints it without a traceback and exits with status 2.
    """


class MissingExtraError(InputError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""


class GateError(RuntimeError):
    """A numerical gate failed: two forms of one network that must agree do not."""


class ServerError(RuntimeError):
    """A server did not do what it was asked, through no fault of the input.

    Parameters
    ----------
    message
        One line: which server, what happened, what to do.
    code
        gRPC's name of the status, such as ``"UNAVAILABLE"``.
    retryable
        Whether asking again later is safe and may help.
    """

    def __init__(self, message: str, code: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code, self.retryable = code, retryable


class DeadlineError(ServerError, TimeoutError):
    """A server did not answer within the time that it was given."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "DEADLINE_EXCEEDED")
