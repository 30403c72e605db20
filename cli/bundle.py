"""`oviton bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..data.errors import InputError
from .console import BundleArgument, bar, out


def bundle(
    bundle: BundleArgument = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write.", show_default=False)] = None,
    edge: Annotated[bool, typer.Option("--edge", help="Pack the bundle with its runtime for a device.")] = False,
    target: Annotated[str, typer.Option(help="rtx, jetpack6, jetpack7 or cpu.")] = "rtx",
    compute_capability: Annotated[
        str | None,
        typer.Option(
            help="Build TensorRT-RTX plans here, for example for 8.6,8.9; otherwise the device builds its own.",
            show_default=False,
        ),
    ] = None,
    refinement: Annotated[
        bool, typer.Option("--refinement", help="Pack what refinement needs too; the device then installs PyTorch.")
    ] = False,
) -> None:
    """Check a bundle and tell what is in it; with --edge, pack it for a device."""
    from ..bundle.bundle import Bundle
    from ..engines.tensorrt.options import BuildOptions
    from ..runtime.edge.package import pack_edge
    from ..runtime.edge.target import Target

    opened = Bundle.open(bundle)
    if not edge:
        if output is not None:
            raise InputError("--output is for a package; add --edge, or copy the bundle's folder as it is")
        _describe(opened)
        return
    if output is None:
        raise InputError("name the folder to write with -o DIR")
    capabilities = BuildOptions.parse_capabilities(compute_capability) if compute_capability is not None else ()
    wanted = Target.named(target)
    with bar(len(opened.manifest.graphs)) as tell:
        packed = pack_edge(opened, output, wanted, capabilities=capabilities, refinement=refinement, on_progress=tell)
    parts = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in packed.files.items() if size)
    out.print(f"{escape(str(output))}: {parts}", soft_wrap=True)
    out.print(f"for {escape(wanted.about)}", soft_wrap=True)
    out.print("copy it to the device and run there: ./start.py try-on PERSON --wear CLASS=GARMENT -o out.png")


def _describe(opened: object) -> None:
    from ..bundle.bundle import Bundle

    assert isinstance(opened, Bundle)
    manifest = opened.manifest
    size = sum(entry.size for entry in manifest.files.values())
    out.print(
        f"{escape(manifest.name)}: {manifest.height}x{manifest.width}, {manifest.conditioning}, N to "
        f"{manifest.max_requests}, M to {manifest.max_garments}, {len(manifest.files)} files, {size / 1e6:.1f} MB, "
        "verified",
        soft_wrap=True,
    )
    for part, note in manifest.trained.items():
        out.print(f"{part}: {escape(note)}", soft_wrap=True)
    out.print(f"identity: {opened.identity}", soft_wrap=True)
