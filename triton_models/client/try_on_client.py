"""`TryOnClient`: a try-on on a server, called as in process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...data.closeable import Closeable
from ...data.errors import ClosedError
from ...data.images import UInt8Array
from ...prepare.preparer import Preparer
from ...runtime.dressing import Look
from ...runtime.person import Garment, Person
from ...runtime.refinement.options import RefinementOptions, resolve_options
from ...runtime.refinement.step import RefinementStep
from .channel import open_channel
from .dressing import ServedDressing, Wearables
from .flow import Flow, Result, drive, iterate
from .garment_codes import GarmentCodes
from .options import ClientOptions
from .protocol import make_stub
from .refining import Refining, kept_outfit
from .served_model import ServedModel
from .session import Session
from .tensors import Array


class TryOnClient(Closeable):
    """Dress people on a Triton server. Threads may share one client; it keeps one channel.

    Parameters
    ----------
    address
        ``host:port``, ``grpc://host:port`` or, for TLS, ``grpcs://host:port``.
    options
        How to reach it.

    Raises
    ------
    InputError
        When the address or an option cannot be used. Whether a server answers shows at the first call.

    Examples
    --------
    >>> with TryOnClient("localhost:8001") as tryon:
    ...     look = tryon(Person.open("person/"), [Garment.open("shirt/", wear="upper_clothes")])
    >>> look.image.shape
    (512, 256, 3)
    """

    def __init__(self, address: str = "localhost:8001", options: ClientOptions | None = None) -> None:
        self._session = Session(address, options or ClientOptions())
        self._channel = open_channel(self._session.address, self._session.options)
        self._stub = make_stub(self._channel)
        self._closed = False

    def __call__(
        self,
        person: Person,
        garments: Wearables,
        remove: str | Iterable[str] = (),
        *,
        outfit: str | None = None,
        timeout: float | None = None,
    ) -> Look:
        """Dress a person.

        Parameters
        ----------
        person, garments, remove
            As in process; see `TryOn.__call__`. A garment may also be its `GarmentCodes`.
        outfit
            Id of a refined outfit that the server keeps.
        timeout
            Seconds for this call, its retries included; by default the options'.

        Returns
        -------
        Look
            Picture, labels and report, as in process; the five graphs' time is one stage, ``server``.

        Raises
        ------
        InputError
            When the outfit contradicts itself, or the server refuses the input.
        DeadlineError
            When the answer does not come in time.
        ServerError
            When the server cannot be reached, or fails.
        """
        return self._drive(self._session.dress(ServedDressing.of(person, garments, remove), outfit, timeout))

    def encode_garment(self, garment: Garment, *, timeout: float | None = None) -> GarmentCodes:
        """Encode a garment, once for all people who will wear it; a server with `--codes` does that.

        Parameters
        ----------
        garment
            The photograph, and what is worn from it.
        timeout
            As when called.

        Returns
        -------
        GarmentCodes
            To be worn in place of the garment, with the same result bit for bit, and to be saved.

        Raises
        ------
        ServerError
            When the server has no such model.
        """
        return self._drive(self._session.encode(garment, timeout))

    def preparer(self, *, timeout: float | None = None) -> Preparer:
        """Return what prepares photographs with the server's person parser; a server with `--prepare` has one.

        Parameters
        ----------
        timeout
            Seconds for each look at a photograph, its retries included; by default the options'.

        Returns
        -------
        Preparer
            To be used while this client is open, as in ``Person.open("me.jpg", preparer=client.preparer())``.

        Raises
        ------
        ServerError
            When the server has no such model.
        """
        size = self._drive(self._session.parser_size())

        def parse(image: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
            seen = self._drive(self._session.parse(image, timeout))
            return seen["labels"][0], seen["densepose"][0], seen["people"][0]

        return Preparer(parse, size, lambda: None)

    def run(
        self, inputs: Mapping[str, Array], *, outfit: str | None = None, timeout: float | None = None
    ) -> dict[str, Array]:
        """Run a batch of arrays through the served graphs, as `EngineSet.run` does in process.

        Parameters
        ----------
        inputs
            The inputs of `try_on`, or of `try_on_codes`, batch first; see docs/serving.md.
        outfit, timeout
            As when called.

        Returns
        -------
        dict
            ``image`` uint8 `[N, H, W, 3]`, ``labels`` uint8 `[N, H, W]` and ``input_flags`` int32 `[N, 1]`.

        Raises
        ------
        InputError
            When a name, dtype, shape or value does not fit.
        """
        return self._drive(self._session.run(inputs, outfit, timeout))

    def refine(
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
        """Dress a person, then optimise the generator on this request; see `TryOn.refine`.

        Parameters
        ----------
        person, garments, remove, on_step
            As in process. What `on_step` raises cancels the refinement.
        steps
            At most so many optimiser steps. Default: 40.
        time_budget
            At most so many seconds. Default: no limit.
        options
            All options at once, instead of `steps` and `time_budget`.
        keep_outfit
            Keep the refined weights on the server; ``look.report.refinement.outfit`` is their id.
        timeout
            Seconds for all of it; by default the options'.

        Returns
        -------
        Look
            Picture, labels and report. The weights stay on the server.

        Raises
        ------
        InputError
            As when called; also when `options` is given beside `steps` or `time_budget`.
        DeadlineError, ServerError
            As when called.
        """
        options = resolve_options(steps, time_budget, options)
        with self.refinement(person, garments, remove, options, keep_outfit=keep_outfit, timeout=timeout) as refinement:
            for step in refinement:
                if on_step is not None:
                    on_step(step)
            return refinement.look()

    def refinement(
        self,
        person: Person,
        garments: Garment | Sequence[Garment],
        remove: str | Iterable[str] = (),
        options: RefinementOptions | None = None,
        *,
        keep_outfit: bool = False,
        timeout: float | None = None,
    ) -> ServedRefinement:
        """Return a refinement to iterate over, step by step; see `refine`. Nothing is sent before that."""
        dressing = ServedDressing.of(person, garments, remove)
        refining = Refining(self._session, dressing, options or RefinementOptions(), keep_outfit, timeout)
        return ServedRefinement(self, refining)

    @property
    def model(self) -> ServedModel:
        """What the server serves: bundle, engine, notes."""
        return self._drive(self._session.model())

    @property
    def transport(self) -> str:
        """How tensors travel, and why not better."""
        return str(self._session.transport)

    def ready(self) -> bool:
        """Tell whether the server is up and the models are ready."""
        return self._drive(self._session.ready())

    def close(self) -> None:
        """Give shared memory back and close the channel."""
        if not self._closed:
            self._closed = True
            drive(self._session.farewell(), self._stub)
            self._channel.close()

    def _open_stub(self) -> Any:
        if self._closed:
            raise ClosedError("this client is closed; make a new one")
        return self._stub

    def _drive(self, flow: Flow[Result]) -> Result:
        return drive(flow, self._open_stub())


class ServedRefinement(Closeable):
    """A refinement under way on a server. Iterate over it for its steps; made by `TryOnClient.refinement`.

    Leaving the iteration does not end it; `close` does, or leaving the ``with`` block.
    """

    def __init__(self, client: TryOnClient, refining: Refining) -> None:
        self._client, self._refining = client, refining
        self._steps: Iterator[RefinementStep] | None = None

    def __iter__(self) -> Iterator[RefinementStep]:
        """Go through the steps as they come."""
        if self._steps is None:
            self._steps = iterate(self._refining.steps(), self._client._open_stub())
        return self._steps

    def look(self) -> Look:
        """Return the better of the refined and the feed-forward result, once the server is done.

        Raises
        ------
        ServerError
            When the refinement failed, or was closed before its end.
        """
        for _ in self:
            pass
        return self._client._drive(self._refining.look())

    def outfit(self) -> str:
        """Return the id under which the server keeps the refined weights; see `TryOnClient.__call__`.

        Raises
        ------
        InputError
            When it keeps none.
        """
        return kept_outfit(self.look())

    def close(self) -> None:
        """End it; the server stops within a step."""
        self._refining.cancel()
