"""`oviton export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..data.errors import InputError
from .console import check_outputs, out, parity_table, steps

if TYPE_CHECKING:
    from ..bundle.bundle import Bundle
    from ..networks.checkpoint import Networks


def export(
    checkpoint: Annotated[
        Path | None,
        typer.Argument(
            help="Checkpoint folder: shape.safetensors and appearance.safetensors, or person_parser.safetensors. Or an "
            "older bundle."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle folder to write.")] = Path("bundle"),
    untrained: Annotated[
        str | None, typer.Option(metavar="PRESET", help="Export seeded, untrained networks of a preset instead.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of untrained networks; 0 by default.")
    ] = None,
    conditioning: Annotated[
        str | None, typer.Option(help="Conditioning of untrained networks: codes (the default) or surface.")
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="Folder of person folders that gates run on; by default the older or the shipped bundle's."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The bundle's name; by default the older bundle's or the preset's.")
    ] = None,
) -> None:
    """Export a checkpoint as a bundle: PyTorch programs, ONNX in FP32 and FP16, one set of weights, parity gates.

    A bundle in its place is exported anew, with the graphs of this version.
    """
    from ..data.optional import require

    require("torch", extra="train", purpose="export")
    from ..bundle.bundle import holds_only_a_bundle
    from ..export.exporter import export_bundle
    from ..networks.checkpoint import load_checkpoint, untrained_networks
    from ..networks.config import preset
    from ..networks.person_parser import PARSER_NAME, PersonParser

    if (checkpoint is None) == (untrained is None):
        raise InputError("export needs a checkpoint folder or --untrained PRESET, one of them")
    if checkpoint is not None and (seed is not None or conditioning is not None):
        raise InputError(f"--seed and --conditioning go with --untrained; {checkpoint} brings its own")
    if conditioning not in (None, "codes", "surface"):
        raise InputError(f"--conditioning {conditioning!r}: allowed: codes, surface")
    check_outputs([], inputs=[], folders={output: holds_only_a_bundle})  # a bundle may be exported into its own place
    older = _bundle_in(checkpoint)
    folders = _sample_folders(samples, older)
    if older is not None:
        name = name or older.manifest.name
    networks: Networks | PersonParser
    if checkpoint is not None and (checkpoint / PARSER_NAME).exists():
        networks = PersonParser.open(checkpoint)
    elif checkpoint is not None:
        networks = load_checkpoint(checkpoint)
    else:
        config = preset(untrained or "").with_conditioning(conditioning or "codes")  # type: ignore[arg-type]
        networks = untrained_networks(config, seed or 0)
    with steps() as on_progress:
        manifest = export_bundle(networks, output, folders, name=name, on_progress=on_progress)
    out.print(parity_table(manifest.parity))
    size = sum(entry.size for entry in manifest.files.values()) / 1e6
    if not manifest.is_trained:
        out.print("[yellow]note:[/] these weights are untrained; the manifest says so")
    out.print(
        f"{escape(str(output))}: {manifest.preset} {manifest.height}x{manifest.width}, {size:.1f} MB, "
        f"{manifest.cost.seconds:.0f} s, peak memory {manifest.cost.peak_memory_mb / 1000:.1f} GB",
        soft_wrap=True,
    )


def _bundle_in(checkpoint: Path | None) -> Bundle | None:
    """Return the bundle that is to be exported anew; None where it is a checkpoint."""
    from ..bundle.bundle import Bundle
    from ..bundle.manifest import MANIFEST_NAME

    return Bundle.open(checkpoint) if checkpoint is not None and (checkpoint / MANIFEST_NAME).is_file() else None


def _sample_folders(samples: Path | None, older: Bundle | None) -> list[Path]:
    if samples is None and older is not None:
        return list(older.sample_folders)
    if samples is None:
        from ..bundle.bundle import SHIPPED_BUNDLES, Bundle

        if not SHIPPED_BUNDLES.is_dir():
            raise InputError("no shipped bundle to take sample people from; give --samples FOLDER")
        return list(Bundle.open().sample_folders)
    if not samples.is_dir():
        raise InputError(f"--samples {samples}: no such folder; it holds one folder a person")
    return sorted(folder for folder in samples.iterdir() if folder.is_dir())
