"""The wire side of `try_on_refined`: a request, and its streamed responses as steps and a result."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...runtime.refinement.options import RefinementOptions
from ...runtime.refinement.step import RefinementStep
from ...runtime.report import RefinementReport
from ..configs import TERMS
from ..layout import TRY_ON_REFINED
from .faults import Fault
from .tensors import Array, infer_request, read_outputs


@dataclass(frozen=True)
class Finished:
    """The last response.

    Parameters
    ----------
    outputs
        ``image`` and ``labels``, N = 1.
    report
        What the refinement did, with the id of the outfit if one is kept.
    """

    outputs: Mapping[str, Array]
    report: RefinementReport


def refinement_request(
    inputs: Mapping[str, Array], options: RefinementOptions, *, keep_outfit: bool, timeout: float
) -> Any:
    """Return the one request of a stream.

    Parameters
    ----------
    inputs
        All inputs, ``garment_densepose`` among them.
    options
        Of the refinement.
    keep_outfit
        Whether the server shall keep the refined weights.
    timeout
        Seconds that the caller waits; Triton's own are microseconds.
    """
    parameters: dict[str, bool | int | str] = {
        "steps": options.steps,
        "seed": options.seed,
        "preview_every": options.preview_every,
        "keep_outfit": keep_outfit,
        "timeout": int(timeout * 1e6),
    }
    if options.time_budget is not None:
        parameters["time_budget_ms"] = max(1, round(options.time_budget * 1000))
    further = _further(options)
    if further:
        parameters["options"] = json.dumps(further)
    return infer_request(TRY_ON_REFINED, inputs, parameters=parameters)


def read_response(response: Any) -> RefinementStep | Finished | Fault | None:
    """Read one response of the stream (`ModelStreamInferResponse`); None for an empty one, which only marks the end.

    After a `Fault` a client reads on until the stream has ended: giving it up before would cancel it.
    """
    if response.error_message:
        return Fault.of_text(response.error_message)
    outputs = read_outputs(response.infer_response)
    if "step" in outputs:
        losses = dict(zip(TERMS, outputs["losses"].ravel().tolist(), strict=True))
        return RefinementStep(
            int(outputs["step"].item()),
            {name: value for name, value in losses.items() if not math.isnan(value)},
            outputs["preview"][0] if "preview" in outputs else None,
            float(outputs["seconds"].item()),
        )
    if "image" not in outputs:
        return None
    report = RefinementReport.model_validate_json(outputs["report"].item())
    outfit = outputs["outfit"].item().decode() if "outfit" in outputs else None
    return Finished({name: outputs[name] for name in ("image", "labels")}, report.model_copy(update={"outfit": outfit}))


def _further(options: RefinementOptions) -> dict[str, Any]:
    """Return the options that differ from their defaults and have no parameter of their own."""
    own = {"steps", "seed", "preview_every", "time_budget"}
    given, usual = dataclasses.asdict(options), dataclasses.asdict(RefinementOptions())
    return {name: value for name, value in given.items() if name not in own and value != usual[name]}
