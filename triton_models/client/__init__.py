"""A client of a Triton server that serves a bundle: `TryOnClient` and, for asyncio, `AsyncTryOnClient`."""

from .async_client import AsyncTryOnClient
from .garment_codes import GarmentCodes
from .options import TLS, ClientOptions
from .try_on_client import TryOnClient

__all__ = ["TLS", "AsyncTryOnClient", "ClientOptions", "GarmentCodes", "TryOnClient"]
