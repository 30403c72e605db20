"""What a network or plan computes, and in which precision: FP16 asked for and FP32 built must not pass unseen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...data.errors import GateError

if TYPE_CHECKING:
    import tensorrt as trt

_CONVOLUTIONS = ("CONVOLUTION", "DECONVOLUTION")
_MULTIPLYING = (*_CONVOLUTIONS, "MATRIX_MULTIPLY")


@dataclass(frozen=True)
class NetworkSummary:
    """Counts of a graph's layers.

    Parameters
    ----------
    layers
        All layers of the parsed network.
    multiplying
        Those that multiply and add: convolutions and matrix products.
    fp16
        How many of those compute in FP16.
    convolutions
        Convolutions among them.
    not_fp16
        Names of the convolutions that do not compute in FP16.
    """

    layers: int
    multiplying: int
    fp16: int
    convolutions: int
    not_fp16: tuple[str, ...]

    @classmethod
    def of_network(cls, module: Any, network: trt.INetworkDefinition) -> NetworkSummary:
        """Count the layers of a parsed, strongly typed network; such a network's types are binding for the plan."""
        layers = [network.get_layer(index) for index in range(network.num_layers)]
        found = [
            (layer.name, layer.type.name, layer.get_input(0).dtype == module.DataType.HALF)
            for layer in layers
            if layer.type.name in _MULTIPLYING
        ]
        return cls._of(len(layers), found)

    @classmethod
    def of_plan(cls, information: str) -> NetworkSummary | None:
        """Count the layers of a built plan, from the engine inspector's JSON; None when it names no layer's types."""
        found = []
        layers = json.loads(information).get("Layers", [])
        for layer in layers:
            if not isinstance(layer, dict):  # without detailed verbosity there are only names
                return None
            kind = str(layer.get("LayerType", "")).lower()
            is_convolution = "conv" in kind
            if not (is_convolution or "gemm" in kind or "matrix" in kind):
                continue
            types = " ".join(str(tensor.get("Format/Datatype", "")) for tensor in layer.get("Inputs", [])).lower()
            half = "half" in types or "fp16" in types
            found.append((str(layer.get("Name")), "CONVOLUTION" if is_convolution else "MATRIX_MULTIPLY", half))
        return cls._of(len(layers), found) if found else None

    @classmethod
    def _of(cls, layers: int, found: Iterable[tuple[str, str, bool]]) -> NetworkSummary:
        listed = list(found)
        convolutions = [(name, half) for name, kind, half in listed if kind in _CONVOLUTIONS]
        return cls(
            layers=layers,
            multiplying=len(listed),
            fp16=sum(half for *_, half in listed),
            convolutions=len(convolutions),
            not_fp16=tuple(name for name, half in convolutions if not half),
        )

    @property
    def fp16_share(self) -> float | None:
        """Return the share of multiplying layers that compute in FP16; None when there are none."""
        return self.fp16 / self.multiplying if self.multiplying else None

    def check_fp16(self, graph: str, source: str) -> None:
        """Refuse a network that was asked for in FP16 and is not.

        Raises
        ------
        GateError
            Naming the first convolution that is not in FP16.
        """
        if self.not_fp16:
            raise GateError(
                f"{graph}: FP16 was asked for, but {len(self.not_fp16)} of {self.convolutions} convolutions of the "
                f"{source} do not compute in it, the first {self.not_fp16[0]}; export the bundle again"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the counts for a sidecar."""
        return {**asdict(self), "fp16_share": self.fp16_share}
