"""`oviton prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..data.errors import InputError
from ..prepare.adapters.table import BODY_MAPS, PARSERS, open_body_map, open_parser
from .console import BundleOption, EngineOption, PrecisionOption, WhoOption, counter, err, out, status

SHEET_NAME = "contact_sheet.png"


def prepare(
    photographs: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.", metavar="PHOTO…")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; what is done there stays.")],
    person: WhoOption = "largest",
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
    bundle: BundleOption = None,
    parser: Annotated[
        str | None,
        typer.Option("--parser", metavar="NAME=FILE", help=f"Your parser, an ONNX file: {', '.join(PARSERS)}."),
    ] = None,
    body_map: Annotated[
        str | None,
        typer.Option("--body-map", metavar="NAME=FILE", help=f"Your network for body maps: {', '.join(BODY_MAPS)}."),
    ] = None,
) -> None:
    """Turn photographs into person folders: the photograph, its labels and its body map.

    A photograph that cannot be used is named and left out; the others go on. Run again, what is there is kept.
    """
    from ..data.images import read_photograph
    from ..prepare.choice import parse_who
    from ..prepare.person_folders import find_photographs, write_person, write_sheet
    from ..prepare.preparer import Preparer

    who = parse_who(person)
    found = find_photographs(photographs)
    if output.exists() and not output.is_dir():
        raise InputError(f"cannot write the folder {output}: a file of that name exists; choose another name")
    due = {name: path for name, path in found.items() if not (output / name / "densepose.png").exists()}
    failed: list[str] = []
    told: set[str] = set()
    if due:
        with status("loading"):
            preparer = Preparer.load(
                bundle,
                engine,
                precision,
                parser=None if parser is None else open_parser(parser),
                body_map=None if body_map is None else open_body_map(body_map),
            )
        with preparer, counter() as on_progress:
            for number, (name, path) in enumerate(due.items(), start=1):
                try:
                    photograph = read_photograph(path)
                    seen = preparer(photograph.image, who, str(path))
                    write_person(seen, output / name, path if photograph.orientation == 1 else None)
                    # What a parser's classes lack is the same for all photographs.
                    new = [note for note in seen.notes if note not in told]
                    told.update(new)
                    for note in new:
                        err.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
                except InputError as error:
                    failed.append(str(error))
                    err.print(f"[red]left out:[/] {escape(str(error))}", soft_wrap=True)
                on_progress("preparing photographs", number, len(due))
    done = [output / name for name in found if (output / name / "densepose.png").exists()]
    if done:
        write_sheet(done, output / SHEET_NAME)
    kept = f", {len(found) - len(due)} of them there before" if len(found) > len(due) else ""
    out.print(f"{escape(str(output))}: {len(done)} of {len(found)} photographs prepared{kept}", soft_wrap=True)
    if failed:
        raise InputError(f"{len(failed)} of {len(found)} photographs were left out; the first: {failed[0]}")
