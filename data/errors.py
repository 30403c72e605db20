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
