"""The bundle's manifest: what is in it, how it was made, and how well its forms agree."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from ..data.classes import CLASS_NAMES
from .families import FAMILIES, O_VITON, Family

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"

MAX_BATCH = 8
"""Largest N and M that any bundle may allow."""

Form = Literal["onnx_fp32", "onnx_fp16", "pt2", "weights"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSpec(_Strict):
    """A named tensor at a graph's boundary.

    Parameters
    ----------
    name
        Its name in every form of the graph.
    dtype
        NumPy dtype name.
    shape
        Sizes; ``"N"`` (requests) and ``"M"`` (garment photographs a request) are dynamic.
    """

    name: str
    dtype: Literal["uint8", "int32", "float32"]
    shape: tuple[Annotated[int, Field(ge=1)] | Literal["N", "M"], ...]


class GraphEntry(_Strict):
    """One graph.

    Parameters
    ----------
    name
        Also the name of its engine and of its Triton model.
    inputs, outputs
        Tensors at its boundary, in order.
    files
        File name by form. Both ONNX forms and the `.pt2` read their weights from ``weights``.
    float_output
        Name of a second, differentiable output that only the `.pt2` has.
    parameters
        PyTorch parameter names; the ONNX initializers bear the same, so any form can be refitted by name.
    activation_ranges
        Smallest and largest value, on the samples, of what enters the convolutions, by its tensor's name in
        ``onnx_fp32``: what an engine needs to compute them in INT8. Empty for a graph that is not to be.
    precise
        Whether what it gives takes more digits than bf16 has: such a graph is computed in FP32 or FP16.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    files: dict[Form, str]
    float_output: str | None = None
    parameters: tuple[str, ...] = ()
    activation_ranges: dict[str, tuple[float, float]] = {}
    precise: bool = False

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> Self:
        for name, (low, high) in self.activation_ranges.items():
            if not (math.isfinite(low) and math.isfinite(high) and low <= 0 <= high and low < high):
                raise ValueError(f"{self.name}: activation range of {name!r} is {low} to {high}; it must hold 0")
        return self

    @model_serializer(mode="wrap")
    def _without_what_says_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what says nothing; see `Manifest`."""
        return _without_empty(dump(self), "activation_ranges", "precise")


class ProgramEntry(_Strict):
    """A further `.pt2` program that refinement needs: discriminator, perceptual backbone, surface lookup."""

    name: str
    files: dict[Form, str]


class FileEntry(_Strict):
    """Size and hash of a file of the bundle."""

    size: int
    sha256: str


class ParityRow(_Strict):
    """One comparison of two forms of a graph on the samples.

    Parameters
    ----------
    graph, output
        What was compared.
    form, reference
        Which forms.
    requests, garments
        N and M.
    metric
        ``relative`` (lower is better), ``psnr`` in dB and ``agreement`` (higher is better).
    value, limit
        What was measured, and what is demanded.
    """

    graph: str
    output: str
    form: str
    reference: str
    requests: int
    garments: int
    metric: Literal["relative", "psnr", "agreement"]
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value meets the limit. NaN never does."""
        return self.value <= self.limit if self.lower_is_better else self.value >= self.limit

    @property
    def lower_is_better(self) -> bool:
        """Whether the limit is an upper one."""
        return self.metric == "relative"


class ExportCost(_Strict):
    """What the export took on the machine that did it."""

    seconds: float
    peak_memory_mb: float


class Manifest(_Strict):
    """Everything a consumer of a bundle may rely on.

    Parameters
    ----------
    schema_version
        Format of this file.
    name
        The bundle's name, for people.
    preset, height, width, conditioning
        What the networks are; ``"none"`` where a family has no conditioning to choose.
    classes
        Class names by id.
    max_requests, max_garments
        Largest N and M that the graphs take and were gated for.
    trained
        How each part was trained, in one line; starts with ``untrained`` when it was not.
    config
        The networks' config, as JSON.
    graphs, programs, files, samples
        Contents. `samples` are person folders that the gates run on.
    versions
        Versions that wrote it.
    parity
        Every gate's result.
    cost
        What the export took.
    family
        Which networks the bundle holds; see `oviton.bundle.families`. Default: ``"o-viton"``.
    origin
        Identity of the bundle that this one holds a part of, packed for a device; empty for a bundle that is whole.
    digest
        SHA-256 over all other fields, and so over the whole bundle: its identity. A manifest that is being made may
        leave it empty; one that is read may not.
    """

    schema_version: Annotated[int, Field(strict=True)]
    name: str
    preset: str
    height: Annotated[int, Field(ge=8)]
    width: Annotated[int, Field(ge=8)]
    conditioning: Literal["codes", "surface", "none"]
    classes: tuple[str, ...]
    max_requests: Annotated[int, Field(ge=1, le=MAX_BATCH)]
    max_garments: Annotated[int, Field(ge=1, le=MAX_BATCH)]
    trained: dict[str, str]
    config: dict[str, Any]
    graphs: tuple[GraphEntry, ...]
    programs: tuple[ProgramEntry, ...]
    files: dict[str, FileEntry]
    samples: tuple[str, ...]
    versions: dict[str, str]
    parity: tuple[ParityRow, ...]
    cost: ExportCost
    family: str = O_VITON.name
    origin: str = ""
    digest: str = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.digest and self.digest != self.compute_digest():
            raise ValueError("its digest does not match its content; it was changed")
        if self.family not in FAMILIES:
            raise ValueError(f"family {self.family!r} is unknown; allowed: {', '.join(FAMILIES)}; is oviton older?")
        if tuple(graph.name for graph in self.graphs) != self.steps.graphs:
            raise ValueError(f"graphs must be {', '.join(self.steps.graphs)}, in this order")
        if self.classes != CLASS_NAMES:
            raise ValueError("classes are not the 20 CIHP classes in their order")
        if self.trained.keys() != set(self.steps.parts):
            raise ValueError(f"trained must tell of {' and '.join(self.steps.parts)}")
        for name in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not name.isprintable():
                raise ValueError(f"file {name!r} lies outside the bundle")
        entries: tuple[GraphEntry | ProgramEntry, ...] = (*self.graphs, *self.programs)
        for entry in entries:
            for form, name in entry.files.items():
                if name not in self.files:
                    raise ValueError(f"{entry.name} names {form} {name!r}, which is not among the files")
        for sample in self.samples:
            if f"{sample}/labels.png" not in self.files:
                raise ValueError(f"sample {sample!r} is not among the files")
        return self

    @model_serializer(mode="wrap")
    def _without_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `origin` and `family` where they say nothing, as before they existed; digests stay valid."""
        values = _without_empty(dump(self), "origin")
        return {key: value for key, value in values.items() if (key, value) != ("family", O_VITON.name)}

    @property
    def steps(self) -> Family:
        """The family's entry in the table: the graphs that the bundle has in order, and what it cannot do."""
        return FAMILIES[self.family].having([graph.name for graph in self.graphs])

    @property
    def is_trained(self) -> bool:
        """Whether every part was trained."""
        return not any(note.startswith("untrained") for note in self.trained.values())

    def compute_digest(self) -> str:
        """Return the SHA-256 over everything but `digest`; it covers every file through its own hash."""
        values = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def graph(self, name: str) -> GraphEntry:
        """Return a graph by name."""
        return next(graph for graph in self.graphs if graph.name == name)


def _without_empty(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names or value}
