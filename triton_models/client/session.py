"""One client's dealings with its server, as flows: what it serves, one inference, one try-on, the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...bundle.families import PREPARE
from ...data.errors import ServerError
from ...runtime.dressing import Look
from ...runtime.person import Garment
from ..codes import GARMENT_ENCODER, SHAPE_CODES, TRY_ON_CODES
from ..layout import TRY_ON, TRY_ON_OUTFIT
from .dressing import ServedDressing, check_outfit_id
from .faults import Fault
from .flags import check_flags
from .flow import Call, CallError, Flow, Pause, retried
from .garment_codes import GarmentCodes, encoder_inputs, read_codes
from .options import Address, ClientOptions, check_seconds
from .protocol import messages
from .regions import Layout, Region, RegionPool
from .retry import Attempts
from .served_model import ServedModel, config_request
from .tensors import DTYPES, Array, describe, infer_request, read_outputs
from .transport import Transport

FAREWELL = 2.0
"""Seconds that the server gets to unmap shared memory."""

SLACK = 0.1
"""Seconds that a server waits longer than the caller, so that it is the caller's deadline that callers see."""

LAST_LOOKS, LAST_LOOK = 10, 0.05
"""How often a region in use is looked at again before the end, and the seconds in between."""


class Session:
    """What a client knows of its server.

    Parameters
    ----------
    address
        ``host:port``, ``grpc://…`` or ``grpcs://…``.
    options
        How to reach it.
    """

    def __init__(self, address: str, options: ClientOptions) -> None:
        self.address, self.options = Address.parse(address), options
        self.transport = Transport(self.address, options)
        self.answered = False
        self._model: ServedModel | None = None
        self._retired: list[Region] = []

    def error(self, fault: Fault) -> Exception:
        """Return what a caller sees of a fault."""
        return fault.error(self.address.target, answered=self.answered)

    def attempts(self, timeout: float | None, default: float) -> Attempts:
        """Return the tries of one call."""
        seconds = default if timeout is None else check_seconds("timeout", timeout)
        return Attempts(self.options, self.address.target, seconds, self.answered)

    def model(self) -> Flow[ServedModel]:
        """Return what is served; asked once, and again after the server was away."""
        if self._model is None:
            patience = (
                self.options.timeout if self.answered else min(self.options.timeout, self.options.connect_timeout)
            )
            reply = yield from self._call("ModelConfig", config_request(), self.attempts(patience, patience))
            self._model = ServedModel.read(reply, self.address.target)
        return self._model

    def ready(self) -> Flow[bool]:
        """Tell whether the server is up and `try_on` is ready. Never raises for a server that is not."""
        timeout = self.options.connect_timeout
        try:
            live = yield Call("ServerReady", messages().ServerReadyRequest(), timeout)
            model = yield Call("ModelReady", messages().ModelReadyRequest(name=TRY_ON), timeout)
        except CallError:
            return False
        return bool(live.ready and model.ready)

    def run(self, inputs: Mapping[str, Array], outfit: str | None, timeout: float | None) -> Flow[dict[str, Array]]:
        """Run arrays through the graphs; those of garments as codes through theirs."""
        attempts = self.attempts(timeout, self.options.timeout)
        name, given = TRY_ON_CODES if SHAPE_CODES in inputs else TRY_ON, dict(inputs)
        if outfit is not None:
            first = next(iter(inputs.values()))
            name, given["outfit"] = TRY_ON_OUTFIT, check_outfit_id(outfit).repeat(len(first), axis=0)
        return (yield from self._checked(name, given, attempts))

    def parse(self, picture: Array, timeout: float | None) -> Flow[dict[str, Array]]:
        """See what is in a picture `[H, W, 3]` of the parser's size."""
        (graph,), (given,) = PREPARE.graphs, PREPARE.inputs
        attempts = self.attempts(timeout, self.options.timeout)
        request = infer_request(graph, {given: picture[None]}, parameters=_patience(attempts))
        return read_outputs((yield from self._call("ModelInfer", request, attempts)))

    def parser_size(self) -> Flow[tuple[int, int]]:
        """Return height and width of the pictures that the served parser takes."""
        (graph,) = PREPARE.graphs
        attempts = self.attempts(None, self.options.timeout)
        reply = yield from self._call("ModelConfig", messages().ModelConfigRequest(name=graph), attempts)
        height, width, _ = reply.config.input[0].dims
        return height, width

    def encode(self, garment: Garment, timeout: float | None) -> Flow[GarmentCodes]:
        """Encode a garment."""
        model = yield from self.model()
        attempts = self.attempts(timeout, self.options.timeout)
        outputs = yield from self._checked(GARMENT_ENCODER, encoder_inputs(garment, model), attempts)
        return read_codes(garment, outputs, (yield from self.model()))

    def dress(self, dressing: ServedDressing, outfit: str | None, timeout: float | None) -> Flow[Look]:
        """Dress a person."""
        if outfit is not None:
            check_outfit_id(outfit)  # before anything is sent
            dressing.require_photographs("a refined outfit")
        model = yield from self.model()
        if dressing.codes:
            codes: list[GarmentCodes] = []
            for garment in dressing.wearables:
                known = garment if isinstance(garment, GarmentCodes) else (yield from self.encode(garment, timeout))
                codes.append(known)
            inputs = dressing.codes_arrays(model, codes)
        else:
            arrays = dressing.arrays(model)
            inputs = {name: arrays[name] for name in arrays if name in model.inputs}
        with dressing.clock.stage("server"):
            outputs = yield from self.run(inputs, outfit, timeout)
        model = yield from self.model()
        notes = [] if outfit is None else [f"the refined outfit {outfit} is worn"]
        return dressing.served_look(model, outputs, notes)

    def farewell(self) -> Flow[None]:
        """Make the server unmap what this client shared. A server that is gone needs no farewell."""
        pool, self.transport.pool = self.transport.pool, None
        if pool is not None:
            self._retired += pool.clear()
        yield from self._sweep()
        for _ in range(LAST_LOOKS):  # an answer may be here a moment before the server lets go of what it read
            if not self._retired:
                break
            yield Pause(LAST_LOOK)
            yield from self._sweep()
        for region in self._retired:  # the server may still write into them; it keeps its own mapping
            region.close()

    def _checked(self, name: str, inputs: Mapping[str, Array], attempts: Attempts) -> Flow[dict[str, Array]]:
        """Run a model, and raise what its flags tell."""
        outputs = yield from self._infer(name, inputs, attempts)
        if attempts.count > 1:
            self._model = None  # the server may have come back with another bundle
        check_flags(outputs, inputs)
        return outputs

    def _call(self, method: str, request: Any, attempts: Attempts) -> Flow[Any]:
        try:
            reply = yield from retried(method, request, attempts)
        except CallError as error:
            raise self.error(error.fault) from None
        self.answered = True
        return reply

    def _infer(self, name: str, inputs: Mapping[str, Array], attempts: Attempts) -> Flow[dict[str, Array]]:
        pool = self.transport.pool
        wanted = _output_sizes(inputs) if pool is not None else None
        if pool is None or wanted is None:
            request = infer_request(name, inputs, parameters=_patience(attempts))
            reply = yield from self._call("ModelInfer", request, attempts)
            return read_outputs(reply)
        try:
            return (yield from self._infer_in_region(pool, name, inputs, wanted, attempts))
        except _RefusedError as refused:
            if not self.transport.optional:
                raise ServerError(
                    f"{self.address.target} refuses shared memory ({refused}); choose shared_memory='off'",
                    "FAILED_PRECONDITION",
                ) from None
            self.transport.refuse(str(refused))
        return (yield from self._infer(name, inputs, attempts))

    def _infer_in_region(
        self, pool: RegionPool, name: str, inputs: Mapping[str, Array], outputs: dict[str, int], attempts: Attempts
    ) -> Flow[dict[str, Array]]:
        layout = Layout(inputs, outputs)
        request = describe(name, inputs, list(outputs), _patience(attempts))
        yield from self._sweep()
        while True:
            region = pool.take(layout.size)
            try:
                if not region.registered:
                    yield from self._register(region, attempts)
                layout.fill(region)
                layout.point(request, region)
                reply = yield from retried("ModelInfer", request, attempts)
                found = layout.read(reply, region, DTYPES)
            except CallError as error:
                if not error.fault.lost_region:
                    self._retire(region, error.fault)
                    raise self.error(error.fault) from None
                # The server was started anew; whatever it does not know is worth nothing.
                for stale in [region, *pool.clear()]:
                    stale.close()
                continue
            except BaseException:
                self._retire(region, None)
                raise
            self.answered = True
            pool.give_back(region)
            return found

    def _register(self, region: Region, attempts: Attempts) -> Flow[None]:
        try:
            yield from retried(*region.registration(), attempts)
        except CallError as error:
            if error.fault.retryable or error.fault.code in ("DEADLINE_EXCEEDED", "CANCELLED"):
                raise
            closed = error.fault.code == "PERMISSION_DENIED"
            told = "the server has closed it; oviton serve --shared-memory opens it" if closed else error.fault.message
            raise _RefusedError(told) from None
        region.on_registered()

    def _sweep(self) -> Flow[None]:
        """Make the server unmap retired regions; one that is in use stays for the next time."""
        retired, self._retired = self._retired, []
        for region in retired:
            try:
                yield Call(*region.unregistration(), FAREWELL)
            except CallError as error:
                if "in use" in error.fault.message:
                    self._retired.append(region)
                    continue
            region.close()

    def _retire(self, region: Region, fault: Fault | None) -> None:
        """Put a region aside after a failed call: back into the pool only when the server is done with it."""
        pool = self.transport.pool
        if fault is not None and fault.code == "INVALID_ARGUMENT" and region.registered and pool is not None:
            pool.give_back(region)
        elif region.registered:
            self._retired.append(region)
        else:
            region.close()


class _RefusedError(Exception):
    """The server does not take shared memory."""


def _patience(attempts: Attempts) -> dict[str, int]:
    """Return the parameter by which a server skips the request if its turn comes after its caller has given up."""
    return {"timeout": int((attempts.remaining() + SLACK) * 1e6)}


def _output_sizes(inputs: Mapping[str, Array]) -> dict[str, int] | None:
    """Return the bytes of each output of a try-on; None when the inputs cannot be right, which the server will tell."""
    image = inputs.get("person_image")
    if image is None or image.ndim != 4:
        return None
    return {"image": image.nbytes, "labels": image.nbytes // 3, "input_flags": 4 * len(image)}
