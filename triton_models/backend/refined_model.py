"""Refinement as a model: a stream of steps and previews, then the picture."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...engines.engine_set import EngineSet
from ...runtime.refinement.programs import ProgramsByPrecision
from ...runtime.refinement.session import RefinementSession
from ..configs import TERMS
from .answers import Arrays, failure, read_inputs, response, text
from .checks import check
from .refinement_metrics import RefinementMetrics
from .refinement_request import RefinementRequest
from .settings import ModelSettings, open_store


class RefinedModel:
    """What Triton calls for `try_on_refined`. One request at a time: the next waits in Triton's bounded queue."""

    def initialize(self, args: Mapping[str, Any]) -> None:
        """Load the feed-forward engines, whose tensors refinement starts from, and the differentiable programs."""
        settings = ModelSettings.of(args)
        bundle = settings.bundle()
        self._engines = EngineSet.load(bundle, settings["engine"], settings["precision"], threads=settings.threads)
        self._programs = ProgramsByPrecision(self._engines)
        self._programs.load("auto")
        self._store = open_store(settings, bundle.identity)
        self._metrics = RefinementMetrics(self._store)

    def execute(self, requests: Sequence[Any]) -> None:
        """Refine each request, sending its responses as they come."""
        import triton_python_backend_utils as pb_utils

        final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        for request in requests:
            sender = request.get_response_sender()
            with self._metrics.running() as result:
                try:
                    last = self._refine(request, sender, result)
                except Exception as error:
                    result.append("failed")
                    last = failure(error, streamed=True)
            if last is None or sender.is_cancelled():
                sender.send(flags=final)
            else:
                sender.send(last, flags=final)  # in one: Triton dies when anything follows an error in a stream

    def finalize(self) -> None:
        """Release the engines."""
        self._engines.close()

    def _refine(self, request: Any, sender: Any, result: list[str]) -> Any | None:
        """Send one response a step, and return the last; None once the client has cancelled."""
        started = time.perf_counter()
        wishes = RefinementRequest.of(request.parameters())
        inputs = read_inputs(request)
        check(inputs)
        values = self._engines.run(inputs)
        programs = self._programs.load(wishes.options.precision)
        session = RefinementSession(self._engines, programs, values, wishes.options, started=started)
        for step in session:
            self._metrics.step()
            if sender.is_cancelled():
                break
            outputs: Arrays = {
                "step": np.array([[step.step]], np.int32),
                "losses": np.array([[step.losses.get(term, np.nan) for term in TERMS]], np.float32),
                "seconds": np.array([[step.seconds]], np.float32),
            }
            if step.preview is not None:
                outputs["preview"] = step.preview[None]
            sender.send(response(outputs))
        if sender.is_cancelled():
            result.append("cancelled")
            return None
        result.append("accepted" if session.report().accepted else "rejected")
        return response(self._last(session, wishes.keep_outfit))

    def _last(self, session: RefinementSession, keep: bool) -> Arrays:
        values, report = session.tensors(), session.report()
        outputs: Arrays = {
            "image": values["image"],
            "labels": values["labels"],
            "report": text(report.model_dump_json()),
        }
        if keep and report.accepted:
            outputs["outfit"] = text(self._store.save(session.outfit()))
        return outputs
