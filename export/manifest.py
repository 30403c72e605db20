"""The bundle's manifest: what is in it, how it was made, and how well its forms agree."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"

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
    shape: tuple[int | str, ...]


class GraphEntry(_Strict):
    """One of the five graphs.

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
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    files: dict[Form, str]
    float_output: str | None = None
    parameters: tuple[str, ...] = ()


class ProgramEntry(_Strict):
    """A further `.pt2` program that refinement needs: the discriminator, the perceptual backbone."""

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
        ``max_abs`` and ``relative`` (lower is better), ``psnr`` in dB and ``agreement`` (higher is better).
    value, limit
        What was measured, and what is demanded.
    """

    graph: str
    output: str
    form: str
    reference: str
    requests: int
    garments: int
    metric: Literal["max_abs", "relative", "psnr", "agreement"]
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value meets the limit. NaN never does."""
        if self.metric in ("max_abs", "relative"):
            return self.value <= self.limit
        return self.value >= self.limit


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
        What the networks are.
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
    """

    schema_version: int
    name: str
    preset: str
    height: int
    width: int
    conditioning: str
    classes: tuple[str, ...]
    max_requests: int
    max_garments: int
    trained: dict[str, str]
    config: dict[str, Any]
    graphs: tuple[GraphEntry, ...]
    programs: tuple[ProgramEntry, ...]
    files: dict[str, FileEntry]
    samples: tuple[str, ...]
    versions: dict[str, str]
    parity: tuple[ParityRow, ...]
    cost: ExportCost

    @property
    def is_trained(self) -> bool:
        """Whether every part was trained."""
        return not any(note.startswith("untrained") for note in self.trained.values())

    def graph(self, name: str) -> GraphEntry:
        """Return a graph by name."""
        return next(graph for graph in self.graphs if graph.name == name)
