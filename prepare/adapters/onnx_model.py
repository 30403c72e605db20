"""An ONNX file that a user brings, with the signature that its family documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.errors import EngineError, InputError
from ...data.optional import require

Shape = Sequence[int | str | None]
"""Sides of a tensor; None, or in a file a name, is any."""

Floats = npt.NDArray[np.float32]

_ERRORS_ONLY = 3


class OnnxModel:
    """A network with one picture in, run by ONNX Runtime on the CPU. Threads may share it.

    Parameters
    ----------
    path
        The file.
    family
        What messages call its family.
    dtype
        Of the picture: ``"float"`` or ``"uint8"``, as ONNX names it.
    shape
        Of the picture.

    Raises
    ------
    InputError
        When the file cannot be read, or another input is wanted by it.
    """

    def __init__(self, path: Path | str, family: str, dtype: str, shape: Shape) -> None:
        self.path, self.family = Path(path), family
        if not self.path.is_file():
            raise InputError(f"{self.path}: no such file; {family} takes an ONNX file")
        ort = require("onnxruntime", purpose=f"the model of {family}")
        options = ort.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = ort.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises many classes, none of them public
            raise InputError(
                f"{self.path}: ONNX Runtime cannot read it ({_first_line(error)}); {family} takes an ONNX file"
            ) from None
        found = [(each.type, each.shape) for each in self._session.get_inputs()]
        if len(found) != 1 or found[0][0] != f"tensor({dtype})" or not fits(found[0][1], shape):
            told = ", ".join(f"{kind.removeprefix('tensor(').rstrip(')')} {_text(sides)}" for kind, sides in found)
            raise InputError(f"{self.path}: found input {told}; {family} expects one input, {dtype} {_text(shape)}")
        self.input_shape: Shape = found[0][1]
        outputs = self._session.get_outputs()
        self.names: tuple[str, ...] = tuple(each.name for each in outputs)
        self.shapes: tuple[Shape, ...] = tuple(each.shape for each in outputs)

    def picture_size(self, first: int, usual: tuple[int, int]) -> tuple[int, int]:
        """Return height, the picture's axis `first`, and width, the next; usual ones where the file has none."""
        sides = self.input_shape[first : first + 2] or usual
        height, width = (own if isinstance(own, int) else open_ for own, open_ in zip(sides, usual, strict=True))
        return height, width

    def outputs_like(self, shape: Shape, arrays: Sequence[npt.NDArray[Any]] | None = None, count: int = 1) -> list[int]:
        """Return which outputs may have a shape.

        Parameters
        ----------
        shape
            The shape.
        arrays
            What came out. Default: None, what the file says counts, and sides that it leaves open fit.
        count
            How many are needed.

        Raises
        ------
        InputError
            When there are fewer.
        """
        shapes = self.shapes if arrays is None else [array.shape for array in arrays]
        # Of a file an empty shape says nothing; of an array it is a single number's.
        found = [i for i, sides in enumerate(shapes) if fits(sides, shape) and (sides or arrays is None)]
        if len(found) < count:
            told = ", ".join(f"{name} {_text(sides)}" for name, sides in zip(self.names, shapes, strict=True))
            wanted = "an output" if count == 1 else f"{count} outputs"
            raise InputError(f"{self.path}: found outputs {told}; {self.family} expects {wanted} {_text(shape)}")
        return found

    def run(self, picture: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Return all outputs for a picture.

        Raises
        ------
        EngineError
            When ONNX Runtime fails.
        """
        try:
            arrays: list[npt.NDArray[Any]] = self._session.run(None, {self._session.get_inputs()[0].name: picture})
        except Exception as error:
            raise EngineError(f"{self.path}: ONNX Runtime failed: {_first_line(error)}") from None
        return arrays


def fits(found: Shape, wanted: Shape) -> bool:
    """Return whether a shape may be another; a file's empty shape says nothing.

    Examples
    --------
    >>> fits([1, 18, "height", "width"], (1, 18, None, None)), fits([1, 20, 9, 9], (1, 18, None, None))
    (True, False)
    """
    if not found:
        return True
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(
        side is None or not isinstance(own, int) or own == side for own, side in pairs
    )


def _text(shape: Shape) -> str:
    return f"[{', '.join('?' if side is None else str(side) for side in shape)}]"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
