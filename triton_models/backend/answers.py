"""Between Triton's requests and arrays: what every model of the Python backend does the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from ..outfit_store import NotFoundError

Arrays = dict[str, npt.NDArray[Any]]


def read_inputs(request: Any) -> Arrays:
    """Return a request's inputs by name; they lie in memory shared with the server and are not copied."""
    return {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}


def response(outputs: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Return a response that holds these outputs."""
    import triton_python_backend_utils as pb_utils

    return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in outputs.items()])


def failure(error: Exception, *, streamed: bool = False) -> Any:
    """Return the response that an error deserves: what the client did wrong in one sentence, or what broke.

    In a stream the sentence begins with the code, since Triton passes on no other one there.
    """
    import triton_python_backend_utils as pb_utils

    if isinstance(error, NotFoundError):
        name, code = "NOT_FOUND", pb_utils.TritonError.NOT_FOUND
    elif isinstance(error, InputError):
        name, code = "INVALID_ARGUMENT", pb_utils.TritonError.INVALID_ARG
    else:
        name, code = "INTERNAL", pb_utils.TritonError.INTERNAL
    told = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"{name}: {told}" if streamed else told, code))


def answer(request: Any, compute: Callable[[Arrays], Mapping[str, npt.NDArray[Any]]]) -> Any:
    """Answer one request, with an error when `compute` raises one: the process lives on, others are not touched.

    Nothing is computed for a caller who has given up. Triton 2.51 tells so of requests to this very model alone, not of
    those that come through an ensemble; there a request's timeout does it, while it waits in the queue.
    """
    if request.is_cancelled():
        import triton_python_backend_utils as pb_utils

        return pb_utils.InferenceResponse(error=pb_utils.TritonError("given up", pb_utils.TritonError.CANCELLED))
    try:
        return response(compute(read_inputs(request)))
    except Exception as error:
        return failure(error)


def text(value: str) -> npt.NDArray[np.object_]:
    """Return a string as a BYTES tensor `[1, 1]`."""
    return np.array([[value.encode()]], np.object_)
