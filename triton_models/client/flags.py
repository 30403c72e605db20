"""`input_flags`: values that no shape check sees, told by a server that has no Python in its path."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...data.errors import InputError
from ...engines.input_checks import check_values
from ..codes import CLASSES
from ..input_check import OUTPUT
from ..input_flags import describe
from .tensors import Array


def check_flags(outputs: Mapping[str, Array], inputs: Mapping[str, Array]) -> None:
    """Raise the error that the engines raise in process, if the server saw a wrong value.

    Parameters
    ----------
    outputs
        What the server answered; ``input_flags``, int32 `[N, 1]`, is 0 when all values are fine.
    inputs
        What it was sent.

    Raises
    ------
    InputError
        Naming the input, the value and what is allowed.
    """
    flags = outputs.get(OUTPUT)
    if flags is None or not flags.any():
        return
    counts = [inputs[name].shape[1] for name in ("garment_labels", CLASSES) if name in inputs]
    garments = counts[0] if counts else 0
    check_values("", inputs, garments)
    raise InputError(describe(int(np.bitwise_or.reduce(flags, axis=None)), garments))
