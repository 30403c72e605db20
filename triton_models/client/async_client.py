"""`AsyncTryOnClient`: the same for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ...data.errors import ClosedError
from ...runtime.dressing import Look
from ...runtime.person import Garment, Person
from ...runtime.refinement.options import RefinementOptions, resolve_options
from ...runtime.refinement.step import RefinementStep
from .channel import open_async_channel
from .dressing import ServedDressing, Wearables
from .flow import Flow, Result, drive_async, iterate_async
from .garment_codes import GarmentCodes
from .options import ClientOptions
from .protocol import make_stub
from .refining import Refining, kept_outfit
from .served_model import ServedModel
from .session import Session
from .tensors import Array


class AsyncTryOnClient:
    """Dress people on a Triton server, from asyncio. Tasks may share one client; it keeps one channel.

    Its methods mean what those of `TryOnClient` mean. A cancelled task cancels its request.

    Parameters
    ----------
    address
        ``host:port``, ``grpc://host:port`` or, for TLS, ``grpcs://host:port``.
    options
        How to reach it.

    Examples
    --------
    >>> async def dress(person, garments):
    ...     async with AsyncTryOnClient("localhost:8001") as tryon:
    ...         return await asyncio.gather(*(tryon(person, garment) for garment in garments))
    >>> garments = [Garment.open("shirt/", wear=wear) for wear in ("upper_clothes", "pants")]
    >>> looks = asyncio.run(dress(Person.open("person/"), garments))
    >>> [look.report.source for look in looks]
    [{'upper_clothes': 1, 'dress': -1}, {'dress': -1, 'pants': 1, 'skirt': -1}]
    """

    def __init__(self, address: str = "localhost:8001", options: ClientOptions | None = None) -> None:
        self._session = Session(address, options or ClientOptions())
        self._channel: Any = None
        self._stub: Any = None
        self._closed = False

    async def __call__(
        self,
        person: Person,
        garments: Wearables,
        remove: str | Iterable[str] = (),
        *,
        outfit: str | None = None,
        timeout: float | None = None,
    ) -> Look:
        """Dress a person; see `TryOnClient.__call__`."""
        return await self._drive(self._session.dress(ServedDressing.of(person, garments, remove), outfit, timeout))

    async def encode_garment(self, garment: Garment, *, timeout: float | None = None) -> GarmentCodes:
        """Encode a garment; see `TryOnClient.encode_garment`."""
        return await self._drive(self._session.encode(garment, timeout))

    async def run(
        self, inputs: Mapping[str, Array], *, outfit: str | None = None, timeout: float | None = None
    ) -> dict[str, Array]:
        """Run a batch of arrays through the served graphs; see `TryOnClient.run`."""
        return await self._drive(self._session.run(inputs, outfit, timeout))

    async def refine(
        self,
        person: Person,
        garments: Garment | Sequence[Garment],
        remove: str | Iterable[str] = (),
        *,
        steps: int | None = None,
        time_budget: float | None = None,
        on_step: Callable[[RefinementStep], object] | None = None,
        options: RefinementOptions | None = None,
        keep_outfit: bool = False,
        timeout: float | None = None,
    ) -> Look:
        """Dress a person, then optimise the generator on this request; see `TryOnClient.refine`."""
        options = resolve_options(steps, time_budget, options)
        refinement = self.refinement(person, garments, remove, options, keep_outfit=keep_outfit, timeout=timeout)
        try:
            async for step in refinement:
                if on_step is not None:
                    on_step(step)
            return await refinement.look()
        finally:
            refinement.cancel()

    def refinement(
        self,
        person: Person,
        garments: Garment | Sequence[Garment],
        remove: str | Iterable[str] = (),
        options: RefinementOptions | None = None,
        *,
        keep_outfit: bool = False,
        timeout: float | None = None,
    ) -> AsyncServedRefinement:
        """Return a refinement to iterate over with ``async for``. Nothing is sent before that."""
        dressing = ServedDressing.of(person, garments, remove)
        refining = Refining(self._session, dressing, options or RefinementOptions(), keep_outfit, timeout)
        return AsyncServedRefinement(self, refining)

    async def model(self) -> ServedModel:
        """Return what the server serves: bundle, engine, notes."""
        return await self._drive(self._session.model())

    @property
    def transport(self) -> str:
        """How tensors travel, and why not better."""
        return str(self._session.transport)

    async def ready(self) -> bool:
        """Tell whether the server is up and the models are ready."""
        return await self._drive(self._session.ready())

    async def close(self) -> None:
        """Give shared memory back and close the channel."""
        if not self._closed:
            self._closed = True
            if self._channel is not None:
                await drive_async(self._session.farewell(), self._stub)
                await self._channel.close()

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    def stub(self) -> Any:
        """Return Triton's methods; the channel belongs to the event loop of the first call.

        Raises
        ------
        ClosedError
            When the client is closed.
        """
        if self._closed:
            raise ClosedError("this client is closed; make a new one")
        if self._stub is None:
            self._channel = open_async_channel(self._session.address, self._session.options)
            self._stub = make_stub(self._channel)
        return self._stub

    async def _drive(self, flow: Flow[Result]) -> Result:
        return await drive_async(flow, self.stub())


class AsyncServedRefinement:
    """A refinement under way on a server; iterate with ``async for``. Made by `AsyncTryOnClient.refinement`."""

    def __init__(self, client: AsyncTryOnClient, refining: Refining) -> None:
        self._client, self._refining = client, refining
        self._steps: AsyncIterator[RefinementStep] | None = None

    def __aiter__(self) -> AsyncIterator[RefinementStep]:
        """Go through the steps as they come."""
        if self._steps is None:
            self._steps = iterate_async(self._refining.steps(), self._client.stub())
        return self._steps

    async def look(self) -> Look:
        """Return the better of the refined and the feed-forward result, once the server is done."""
        async for _ in self:
            pass
        return await self._client._drive(self._refining.look())

    async def outfit(self) -> str:
        """Return the id under which the server keeps the refined weights."""
        return kept_outfit(await self.look())

    def cancel(self) -> None:
        """End it; the server stops within a step."""
        self._refining.cancel()
