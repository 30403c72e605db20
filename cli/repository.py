"""`oviton repository`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from .console import BundleArgument, PrecisionOption, out, status

ServeEngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="tensorrt or onnxruntime: Triton's own backends, without Python. auto, openvino or torch: on this CPU.",
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", help="Of Triton's own backends: auto, cpu or cuda.")]
PythonOption = Annotated[
    bool, typer.Option("--python-backend", help="Run engine onnxruntime in Triton's Python backend.")
]
RefinementOption = Annotated[
    bool | None,
    typer.Option("--refinement/--no-refinement", help="Serve refinement too; by default wherever it can be."),
]
QueueOption = Annotated[int, typer.Option("--queue", help="Refinements that may wait; one more is refused at once.")]
OutfitsOption = Annotated[int, typer.Option("--outfits-mb", help="Megabytes of refined outfits kept on disk.")]
InstancesOption = Annotated[int, typer.Option("--instances", help="Instances of each feed-forward model.")]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", help="CPU threads of each instance; by default all cores, for the shortest answer."),
]
CodesOption = Annotated[
    bool, typer.Option("--codes", help="Serve garments as codes too: garment_encoder and try_on_codes.")
]
PrepareOption = Annotated[
    bool, typer.Option("--prepare", help="Serve person_parser too, which sees people in clients' photographs.")
]


def repository(
    bundle: BundleArgument = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write.")] = Path("repository"),
    engine: ServeEngineOption = "auto",
    precision: PrecisionOption = "auto",
    device: DeviceOption = "auto",
    python: PythonOption = False,
    refinement: RefinementOption = None,
    queue: QueueOption = 4,
    outfits_mb: OutfitsOption = 512,
    response_cache: Annotated[
        bool, typer.Option("--response-cache", help="Answer repeated requests from Triton's cache.")
    ] = False,
    instances: InstancesOption = 1,
    threads: ThreadsOption = None,
    codes: CodesOption = False,
    prepare: PrepareOption = False,
) -> None:
    """Write a Triton model repository from a bundle."""
    from ..bundle.bundle import Bundle
    from ..triton_models.options import RepositoryOptions
    from ..triton_models.repository import build_repository, model_backends

    options = RepositoryOptions(
        engine=engine, precision=precision, device=device, python=python, refinement=refinement, queue=queue,
        outfits_mb=outfits_mb, response_cache=response_cache, instances=instances, threads=threads, codes=codes,
        prepare=prepare,
    )  # fmt: skip
    opened = Bundle.open(bundle)
    with status("building") as say:
        built = build_repository(opened, output, options, on_progress=say)
    table = Table("model", "backend", title=f"Bundle {escape(opened.manifest.name)} on {built.engine}")
    for name, backend in model_backends(built).items():
        table.add_row(name, backend)
    out.print(table)
    for note in built.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    out.print(
        f"{escape(str(output))}: {len(built.models)} models, {built.engine} {built.precision} on {built.device}",
        soft_wrap=True,
    )
