"""What a repository is asked to be."""

from __future__ import annotations

from dataclasses import dataclass

from ..data.errors import InputError

NATIVE_ENGINES = ("tensorrt", "onnxruntime")
"""Engines that Triton has a backend of its own for."""

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class RepositoryOptions:
    """Options of a model repository.

    Parameters
    ----------
    engine
        ``"tensorrt"`` and ``"onnxruntime"`` are Triton's own backends, without Python in the feed-forward path. Any
        other engine of oviton, or ``"auto"``, runs in Triton's Python backend.
    precision
        ``"auto"``, or a precision of that engine.
    device
        Of Triton's own backends: ``"cpu"`` or ``"cuda"``; ``"auto"`` is a GPU for TensorRT, else the CPU.
    python
        Run ``"onnxruntime"`` in the Python backend too, for a Triton that lacks its backend.
    refinement
        Include `try_on_refined` and `try_on_outfit`; None: where PyTorch is installed and the bundle has its programs.
    queue
        Refinements that may wait; one more is refused at once.
    outfits_mb
        Megabytes of refined outfits that are kept on disk; the longest unused one goes first.
    response_cache
        Let Triton answer a request that it has answered before from memory.
    instances
        Instances of each feed-forward model.
    threads
        How many CPU threads an instance runs a graph on, in the Python backend; None: all cores. As many instances as
        cores, of one thread each, answer the most requests a second.
    codes
        Include `garment_encoder` and `try_on_codes`, where a garment is its precomputed codes. For bundles whose
        generators take nothing else of a garment.
    prepare
        Include `person_parser`, which sees people in photographs for clients that do not do so themselves.
    embed_bundle
        Copy the bundle into the repository, so that it can be moved; otherwise models refer to it where it is.

    Raises
    ------
    InputError
        When a value is not allowed.
    """

    engine: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    python: bool = False
    refinement: bool | None = None
    queue: int = 4
    outfits_mb: int = 512
    response_cache: bool = False
    instances: int = 1
    threads: int | None = None
    codes: bool = False
    prepare: bool = False
    embed_bundle: bool = True

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise InputError(f"device {self.device!r}; allowed: {', '.join(DEVICES)}")
        if self.python and self.engine == "tensorrt":
            raise InputError("engine tensorrt runs in Triton's own backend; the Python backend does not go with it")
        if self.threads is not None and self.is_native:
            raise InputError(f"threads: {self.threads} given; it goes with the engines of the Python backend only")
        for name in ("queue", "outfits_mb", "instances", "threads"):
            if (given := getattr(self, name)) is not None and given < 1:
                raise InputError(f"{name}: {given} given; allowed: at least 1")

    @property
    def is_native(self) -> bool:
        """Whether the feed-forward models run in Triton's own backends."""
        return self.engine in NATIVE_ENGINES and not self.python
