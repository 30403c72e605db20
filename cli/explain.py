"""What an error says at the command line: one line, and an exit status."""

from __future__ import annotations

import errno

import typer

from ..data.errors import InputError, OvitonError

CANCELLED = 130
"""Exit status of what was cancelled."""

_USER_ERRNO = {errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT}
"""What the system refuses because of the path that it was given."""


def explain(error: Exception) -> tuple[str, int]:
    """Return the line that an error deserves, and the exit status."""
    return _left_behind(error) or _explain(error)


def _explain(error: Exception) -> tuple[str, int]:
    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, OvitonError):
        return str(error), 1
    if isinstance(error, typer.Abort) or _was_interrupted(error):
        return "", CANCELLED
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}", 2 if error.errno in _USER_ERRNO else 1
    if hasattr(error, "format_message"):  # a usage error: an unknown option, a missing argument
        text = error.format_message()
        return (f"{text} Try 'oviton --help'." if text else ""), 2  # without any arguments, the help was printed
    return f"{type(error).__name__}: {error} (set OVITON_TRACEBACK=1 to see where)", 1


def _left_behind(error: Exception) -> tuple[str, int] | None:
    """Return what to say when a command's own code is missing: an edge package holds a part of it only."""
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("oviton."):
        return f"{error.name} is not part of the edge runtime; use a full installation of oviton for this", 2
    return None


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind an error; torch.export wraps it in one of its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
