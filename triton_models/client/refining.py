"""A refinement on a server, as flows: both clients carry them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...data.errors import InputError, ServerError
from ...runtime.dressing import Look
from ...runtime.refinement.options import RefinementOptions
from .dressing import ServedDressing
from .faults import Fault
from .flow import CallError, Emit, Flow, Open, Pause, Receive
from .refinement_stream import Finished, read_response, refinement_request
from .retry import Attempts
from .session import Session
from .tensors import Array


class Refining:
    """A refinement on its way.

    Parameters
    ----------
    session
        The client's dealings with its server.
    dressing
        The request, of photographs alone.
    options
        What is asked of the refinement.
    keep_outfit
        Whether the server shall keep the refined weights.
    timeout
        Seconds for all of it; None for the client's own.
    """

    def __init__(
        self,
        session: Session,
        dressing: ServedDressing,
        options: RefinementOptions,
        keep_outfit: bool,
        timeout: float | None,
    ) -> None:
        dressing.require_photographs("refinement")
        self._session, self._dressing, self._options = session, dressing, options
        self._keep, self._timeout = keep_outfit, timeout
        self._stream: Any = None
        self._begun = False
        self._finished: Finished | None = None

    def steps(self) -> Flow[None]:
        """Emit each step as it comes, until the result is here."""
        session = self._session
        inputs = self._dressing.arrays((yield from session.model()))
        attempts = session.attempts(self._timeout, session.options.refine_timeout)
        with self._dressing.clock.stage("server"):
            while self._finished is None:
                try:
                    yield from self._try_once(inputs, attempts)
                except CallError as error:
                    # Once a step was seen, starting over would repeat steps; whoever called decides.
                    pause = None if self._begun else attempts.pause_after(error.fault)
                    if pause is None:
                        raise session.error(error.fault) from None
                    yield Pause(pause)

    def look(self) -> Flow[Look]:
        """Return the result, once all steps were emitted."""
        if self._finished is None:
            raise ServerError("the refinement was cancelled before its end; there is no result", "CANCELLED")
        model = yield from self._session.model()
        return self._dressing.served_look(model, self._finished.outputs, (), self._finished.report)

    def cancel(self) -> None:
        """End it; the server stops within a step."""
        if self._stream is not None:
            self._stream.cancel()

    def _try_once(self, inputs: Mapping[str, Array], attempts: Attempts) -> Flow[None]:
        left = attempts.remaining()
        request = refinement_request(inputs, self._options, keep_outfit=self._keep, timeout=left)
        self._stream = yield Open(request, left)
        failed: Fault | None = None
        while (response := (yield Receive(self._stream))) is not None:
            read = read_response(response)
            if isinstance(read, Fault):
                failed = read
            elif read is not None:  # an empty one may follow an error
                self._begun = True
                if isinstance(read, Finished):
                    self._finished = read
                else:
                    yield Emit(read)
        if failed is not None:
            raise CallError(failed)
        if self._finished is None:
            target = self._session.address.target
            raise ServerError(f"{target} ended the refinement without a result", "INTERNAL")


def kept_outfit(look: Look) -> str:
    """Return the id under which the server keeps a refinement's weights.

    Raises
    ------
    InputError
        When it keeps none.
    """
    refined = look.report.refinement
    assert refined is not None
    if refined.outfit is None:
        reason = refined.reason if not refined.accepted else "keep_outfit was not asked for"
        raise InputError(f"the server kept no outfit: {reason}")
    return refined.outfit
