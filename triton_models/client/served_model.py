"""What a served model says of itself: sizes to fit photographs to, and what goes into reports."""

from __future__ import annotations

import json
from typing import Any, Self

from ...data.errors import ServerError
from ...runtime.report import BundleReport, EngineReport, Setting
from ..layout import PROTOCOL, TRY_ON
from .protocol import messages


class ServedModel(Setting):
    """A bundle behind a server; `inputs` are what `try_on` takes."""

    @classmethod
    def read(cls, response: Any, target: str) -> Self:
        """Read a `ModelConfigResponse`.

        Raises
        ------
        ServerError
            When the model is not one of this project's, or speaks another version of the contract.
        """
        config = response.config
        told = {name: parameter.string_value for name, parameter in config.parameters.items()}
        if told.get("protocol") != PROTOCOL:
            spoken = f"version {told['protocol']}" if "protocol" in told else "none"
            raise ServerError(
                f"{target}: the model {config.name} speaks {spoken} of oviton's wire contract; this client speaks "
                f"version {PROTOCOL}; install the server's version of oviton, or build its repository anew",
                "FAILED_PRECONDITION",
            )
        try:
            return cls(
                BundleReport(
                    name=told["bundle_name"],
                    preset=told["bundle_preset"],
                    height=int(told["bundle_height"]),
                    width=int(told["bundle_width"]),
                    identity=told["bundle_identity"],
                    trained=json.loads(told["bundle_trained"]),
                ),
                EngineReport(
                    name=told["engine"],
                    version=told["engine_version"] or None,
                    device=told["engine_device"],
                    precision=told["engine_precision"],
                    not_used={},
                ),
                told["bundle_conditioning"],
                tuple(tensor.name for tensor in config.input),
                tuple(json.loads(told.get("notes", "[]"))),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ServerError(
                f"{target}: the model {config.name} does not say what it is ({error}); build its repository anew with: "
                "oviton repository",
                "FAILED_PRECONDITION",
            ) from None


def config_request() -> Any:
    """Return the request for what `ServedModel.read` reads."""
    return messages().ModelConfigRequest(name=TRY_ON)
