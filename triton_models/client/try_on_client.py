"""`TryOnClient`: a try-on on a server, called as in process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...data.closeable import Closeable
from ...data.errors import ClosedError, InputError, ServerError
from ...runtime.dressing import Look
from ...runtime.person import Garment, Person
from .channel import open_channel
from .dressing import Dressing, Stopwatch, Wearables
from .faults import Fault
from .flow import CallError, Flow, Result, drive
from .garment_codes import GarmentCodes
from .options import ClientOptions
from .protocol import grpc, make_stub
from .refinement_stream import Finished, read_response, refinement_request
from .served_model import ServedModel
from .session import Session
from .tensors import Array

if TYPE_CHECKING:
    from ...runtime.refinement.options import RefinementOptions
    from ...runtime.refinement.step import RefinementStep

NO_OUTFIT = "the server kept no outfit: {reason}"


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
        return self._drive(self._session.dress(Dressing.plan(person, garments, remove), outfit, timeout))

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
        steps: int = 40,
        time_budget: float | None = None,
        on_step: Callable[[RefinementStep], object] | None = None,
        options: RefinementOptions | None = None,
        keep_outfit: bool = False,
        timeout: float | None = None,
    ) -> Look:
        """Dress a person, then optimise the generator on this request; see `TryOn.refine`.

        Parameters
        ----------
        person, garments, remove, steps, time_budget, on_step, options
            As in process. What `on_step` raises cancels the refinement.
        keep_outfit
            Keep the refined weights on the server; ``look.report.refinement.outfit`` is their id.
        timeout
            Seconds for all of it; by default the options'.

        Returns
        -------
        Look
            Picture, labels and report. The weights stay on the server.
        """
        from ...runtime.refinement.options import RefinementOptions

        options = options or RefinementOptions(steps=steps, time_budget=time_budget)
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
        from ...runtime.refinement.options import RefinementOptions

        dressing = Dressing.plan(person, garments, remove)
        dressing.photographs("refinement")
        return ServedRefinement(self, dressing, options or RefinementOptions(), keep_outfit, timeout)

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

    def _drive(self, flow: Flow[Result]) -> Result:
        if self._closed:
            raise ClosedError("this client is closed; make a new one")
        return drive(flow, self._stub)


class ServedRefinement(Closeable):
    """A refinement under way on a server. Iterate over it for its steps; made by `TryOnClient.refinement`.

    Leaving the iteration does not end it; `close` does, or leaving the ``with`` block.
    """

    def __init__(
        self,
        client: TryOnClient,
        dressing: Dressing,
        options: RefinementOptions,
        keep_outfit: bool,
        timeout: float | None,
    ) -> None:
        self._client, self._dressing, self._options = client, dressing, options
        self._keep, self._timeout = keep_outfit, timeout
        self._steps: Iterator[RefinementStep] | None = None
        self._call: Any = None
        self._finished: Finished | None = None

    def __iter__(self) -> Iterator[RefinementStep]:
        """Go through the steps as they come."""
        if self._steps is None:
            self._steps = self._receive()
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
        if self._finished is None:
            raise ServerError("the refinement was cancelled before its end; there is no result", "CANCELLED")
        return self._dressing.look(self._client.model, self._finished.outputs, (), self._finished.report)

    def outfit(self) -> str:
        """Return the id under which the server keeps the refined weights; see `TryOnClient.__call__`.

        Raises
        ------
        InputError
            When it keeps none.
        """
        refined = self.look().report.refinement
        assert refined is not None
        if refined.outfit is None:
            reason = refined.reason if not refined.accepted else "keep_outfit was not asked for"
            raise InputError(NO_OUTFIT.format(reason=reason))
        return refined.outfit

    def close(self) -> None:
        """End it; the server stops within a step."""
        if self._call is not None:
            self._call.cancel()

    def _receive(self) -> Iterator[RefinementStep]:
        client, session = self._client, self._client._session
        inputs = self._dressing.inputs(client.model, every=True)
        watch = Stopwatch(self._dressing, "server")
        attempts = session.attempts(self._timeout, session.options.refine_timeout)
        begun = False
        while self._finished is None:
            left = attempts.remaining()
            request = refinement_request(inputs, self._options, keep_outfit=self._keep, timeout=left)
            self._call = client._stub.ModelStreamInfer(iter([request]), timeout=left)
            failed: Fault | None = None
            try:
                for response in self._call:
                    read = read_response(response)
                    if isinstance(read, Fault):
                        failed = read
                        continue
                    begun = begun or read is not None  # an empty one may follow an error
                    if isinstance(read, Finished):
                        watch.stop()
                        self._finished = read
                    elif read is not None:
                        yield read
                if failed is not None:
                    raise CallError(failed)
            except (grpc().RpcError, CallError) as error:
                fault = error.fault if isinstance(error, CallError) else Fault.of(error)
                # Once a step was seen, starting over would repeat steps; whoever called decides.
                pause = None if begun else attempts.pause_after(fault)
                if pause is None:
                    raise session.error(fault) from None
                time.sleep(pause)
                continue
            if self._finished is None:
                raise ServerError(f"{session.address.target} ended the refinement without a result", "INTERNAL")
