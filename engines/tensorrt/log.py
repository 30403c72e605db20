"""TensorRT's messages: kept, so that an error can say why, and never printed by the library itself."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import tensorrt as trt

MAX_KEPT = 50

_Made = TypeVar("_Made")
_making = threading.Lock()


def make_logger(module: Any) -> trt.ILogger:
    """Return a logger that keeps errors and warnings in its list `messages`."""

    class _Log(module.ILogger):  # type: ignore[misc] # its base is known at run time only
        def __init__(self) -> None:
            super().__init__()
            self.messages: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= module.ILogger.ERROR and len(self.messages) < MAX_KEPT:
                self.messages.append(" ".join(message.split()))

    logger: trt.ILogger = _Log()
    return logger


def make_with(kind: Callable[[trt.ILogger], _Made], logger: trt.ILogger) -> _Made:
    """Make a builder or a runtime.

    While TensorRT makes one it holds a lock and logs, in Python. If garbage were collected there and another builder
    were part of it, freeing that one would wait for the lock for ever.

    Parameters
    ----------
    kind
        ``Builder`` or ``Runtime``.
    """
    with _making:
        collects = gc.isenabled()
        gc.disable()
        try:
            return kind(logger)
        finally:
            if collects:
                gc.enable()


def last_error(logger: trt.ILogger) -> str:
    """Return the first error since the last call, the one that the others follow from."""
    messages: list[str] = getattr(logger, "messages", [])
    text = messages[0] if messages else "it gave no reason"
    messages.clear()
    return text
