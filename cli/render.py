"""`oviton render`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..data.errors import InputError
from .console import counter, out


def render(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; an interrupted one is continued.")],
    count: Annotated[int | None, typer.Option("-n", "--count", min=1, help="People, or triplets.")] = None,
    size: Annotated[str, typer.Option(metavar="HEIGHTxWIDTH", help="Of the pictures.")] = "256x128",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same files.")] = 0,
    triplets: Annotated[
        bool,
        typer.Option("--triplets", help="Evaluation cases with their exact answer, of held-out clothes."),
    ] = False,
    makehuman_assets: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also use the clothes and shoes of a MakeHuman assets folder.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
) -> None:
    """Render synthetic people in synthetic clothes, with exact labels and body maps."""
    from ..data.optional import require

    for library in ("numba", "scipy"):
        require(library, extra="train", purpose="rendering")
    from ..wardrobe.render import WardrobeSettings, parse_size, render_people
    from ..wardrobe.triplet_cases import SPLITS
    from ..wardrobe.triplets import render_triplets

    height, width = parse_size(size)
    if count is None:
        count = 330 if triplets else 5000
    if triplets and count < len(SPLITS):
        raise InputError(f"-n {count}: allowed: at least {len(SPLITS)} triplets, one a split")
    settings = WardrobeSettings(seed, height, width)
    if makehuman_assets is not None:
        from ..wardrobe.makehuman import fingerprint, load_assets

        load_assets(makehuman_assets)  # damage is told before anything is written
        settings = WardrobeSettings(seed, height, width, fingerprint(makehuman_assets), makehuman_assets)
    workers = workers or os.cpu_count() or 1
    with counter() as on_progress:
        if triplets:
            splits = render_triplets(output, settings, count, workers, on_progress)
            told = ", ".join(f"{name} {number}" for name, number in splits.items())
        else:
            new = render_people(output, settings, count, workers, on_progress)
            told = f"{count} people, {new} of them new"
    out.print(f"{escape(str(output))}: {told}, {height}x{width}, seed {seed}", soft_wrap=True)
