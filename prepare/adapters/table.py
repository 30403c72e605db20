"""Which families of models users can bring, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from ...data.errors import InputError
from .body_maps import BroughtBodyMap
from .bodypix import BodyPix
from .densepose import DensePose
from .parsers import BroughtParser
from .sapiens import SAPIENS
from .schp import SCHP_ATR, SCHP_LIP
from .segformer import FASHN, SEGFORMER_CLOTHES

PARSERS: Mapping[str, Callable[[Path], BroughtParser]] = {
    family.name: partial(BroughtParser, family) for family in (SCHP_LIP, SCHP_ATR, SEGFORMER_CLOTHES, FASHN, SAPIENS)
}
"""What opens a parser's file, by the family's name."""

BODY_MAPS: Mapping[str, Callable[[Path], BroughtBodyMap]] = {"densepose": DensePose, "bodypix": BodyPix}
"""What opens a file of body maps, by the family's name."""


def open_parser(text: str) -> BroughtParser:
    """Open a parser, given as ``NAME=FILE``.

    Raises
    ------
    InputError
        When no family has the name, or the file is not of the family.

    Examples
    --------
    >>> open_parser("schp=model.onnx")
    Traceback (most recent call last):
    oviton.data.errors.InputError: parser 'schp=model.onnx': allowed: NAME=FILE, NAME one of schp-lip, ...
    """
    name, path = _split("parser", text, PARSERS)
    return PARSERS[name](path)


def open_body_map(text: str) -> BroughtBodyMap:
    """Open a network for body maps, given as ``NAME=FILE``.

    Raises
    ------
    InputError
        When no family has the name, or the file is not of the family.
    """
    name, path = _split("body map", text, BODY_MAPS)
    return BODY_MAPS[name](path)


def _split(what: str, text: str, allowed: Iterable[str]) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if name not in allowed or not path:
        raise InputError(f"{what} {text!r}: allowed: NAME=FILE, NAME one of {', '.join(allowed)}")
    return name, Path(path)
