"""oviton: a deployment runtime for O-VITON virtual try-on networks.

Examples
--------
>>> from oviton import Garment, Person, TryOn
>>> with TryOn.load() as tryon:
...     look = tryon(Person.open("person/"), [Garment.open("shirt/", wear="upper_clothes")])
>>> look.image.shape
(512, 256, 3)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .data.version import __version__

if TYPE_CHECKING:
    from .bundle.bundle import Bundle
    from .data.errors import ClosedError, EngineError, GateError, InputError, OvitonError, ServerError
    from .runtime.dressing import Look, TryOnRequest
    from .runtime.person import Garment, Person
    from .runtime.try_on import TryOn
    from .triton_models.client import AsyncTryOnClient, ClientOptions, GarmentCodes, TryOnClient

_HOME = {
    "AsyncTryOnClient": "triton_models.client",
    "Bundle": "bundle.bundle",
    "ClientOptions": "triton_models.client",
    "ClosedError": "data.errors",
    "EngineError": "data.errors",
    "Garment": "runtime.person",
    "GarmentCodes": "triton_models.client",
    "GateError": "data.errors",
    "InputError": "data.errors",
    "OvitonError": "data.errors",
    "ServerError": "data.errors",
    "Look": "runtime.dressing",
    "Person": "runtime.person",
    "TryOn": "runtime.try_on",
    "TryOnClient": "triton_models.client",
    "TryOnRequest": "runtime.dressing",
}

__all__ = [
    "AsyncTryOnClient",
    "Bundle",
    "ClientOptions",
    "ClosedError",
    "EngineError",
    "Garment",
    "GarmentCodes",
    "GateError",
    "InputError",
    "Look",
    "OvitonError",
    "Person",
    "ServerError",
    "TryOn",
    "TryOnClient",
    "TryOnRequest",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # Public names load when first used, so that `import oviton` costs nothing.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
