"""`oviton import`: labels and body maps of other tools become a person folder."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.markup import escape

from ..data.agreement import find_doubt
from ..data.body_map_layouts import place_box, resize_nearest
from ..data.classes import CLASS_NAMES, present_classes
from ..data.conventions import CONVENTIONS, LabelConvention, find_convention, to_cihp
from ..data.errors import InputError
from ..data.files import atomic_folder
from ..data.images import (
    UInt8Array,
    check_densepose,
    check_labels,
    read_body_map,
    read_ids,
    read_image,
    write_image,
)
from ..data.person_folder import DENSEPOSE_NAMES, IMAGE_NAMES, LABELS_NAME
from .console import check_outputs, out

_DENSEPOSE_NAME = DENSEPOSE_NAMES[0]
_BOX = re.compile(r"box:(-?\d+),(-?\d+)(?:,(-?\d+),(-?\d+))?")


def import_maps(
    photo: Annotated[Path, typer.Argument(help="The photograph.")],
    labels: Annotated[Path, typer.Option(metavar="FILE", help="Its labels, a PNG of ids or of a parser's colours.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The person folder to write.")],
    labels_from: Annotated[
        str, typer.Option(metavar="NAME", help=f"What the ids mean: {', '.join(CONVENTIONS)}, or mask:CLASS.")
    ] = "cihp",
    densepose: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its body map, .png or .npy; a garment can do without.")
    ] = None,
    densepose_from: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="iuv: part, U, V; bgr: V, U, part; box:LEFT,TOP[,RIGHT,BOTTOM]: of a box only."
        ),
    ] = "iuv",
) -> None:
    """Make a person folder of a photograph and of the labels and body map that other tools made of it."""
    convention, reader = find_convention(labels_from), _BodyMapReader.parse(densepose_from)
    inputs = [path for path in (photo, labels, densepose) if path is not None]
    check_outputs([], inputs=inputs, folders={output: _is_person_folder})
    image = read_image(photo)
    notes: list[str] = []
    body = None if densepose is None else reader.read(densepose, _size(image), notes)
    drawn = _read_labels(labels, convention, body, _size(image), notes)
    _check(drawn, body, labels, convention, notes)
    with atomic_folder(output, is_ours=_is_person_folder) as folder:
        name = f"image{photo.suffix.lower()}"
        if name in IMAGE_NAMES:
            shutil.copyfile(photo, folder / name)
        else:
            write_image(folder / "image.png", image)
        write_image(folder / LABELS_NAME, drawn)
        if body is not None:
            write_image(folder / _DENSEPOSE_NAME, body)
    for note in notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    height, width = _size(image)
    held = ", ".join(CLASS_NAMES[c] for c in present_classes(drawn) if c)
    out.print(f"{escape(str(output))}: {width}x{height}, {held or 'nothing but background'}", soft_wrap=True)


@dataclass(frozen=True)
class _BodyMapReader:
    """How to read a body map.

    `box` is left and top, perhaps right and bottom, in the photograph's pixels.
    """

    reverse: bool = False
    box: tuple[int, ...] = ()

    @classmethod
    def parse(cls, name: str) -> Self:
        if name in ("iuv", "bgr"):
            return cls(reverse=name == "bgr")
        found = _BOX.fullmatch(name)
        if found is None:
            raise InputError(f"body map from {name!r}: unknown; allowed: iuv, bgr, box:LEFT,TOP[,RIGHT,BOTTOM]")
        return cls(box=tuple(int(side) for side in found.groups() if side is not None))

    def read(self, path: Path, size: tuple[int, int], notes: list[str]) -> UInt8Array:
        channels = read_body_map(path)
        body = check_densepose(channels[..., ::-1] if self.reverse else channels, str(path))
        if self.box:
            return place_box(body, self.box, size, str(path))
        return _at_size(body, size, path, notes)


def _read_labels(
    path: Path, convention: LabelConvention, body: UInt8Array | None, size: tuple[int, int], notes: list[str]
) -> UInt8Array:
    ids, told = read_ids(path)
    drawn, lost = to_cihp(_at_size(ids, size, path, notes), convention, body, str(path))
    notes += [*told, *lost]
    return check_labels(drawn, str(path))


def _check(
    drawn: UInt8Array, body: UInt8Array | None, path: Path, convention: LabelConvention, notes: list[str]
) -> None:
    """Check what was read, as when the folder is opened."""
    doubt = find_doubt(drawn, body)
    if doubt is None:
        return
    if doubt.about == "labels" and convention.name != "cihp":
        # What they look like as CIHP's ids says nothing of the ids that they are.
        raise InputError(
            f"{path}: read as {convention.name}, the labels make no figure; is it another of "
            f"{', '.join(CONVENTIONS)}, or another photograph's?"
        )
    if doubt.certain:
        raise InputError(f"{path}: {doubt.text}")
    notes.append(doubt.text)


def _at_size(array: UInt8Array, size: tuple[int, int], path: Path, notes: list[str]) -> UInt8Array:
    """Return an array at the photograph's size, when it has the photograph's shape."""
    (height, width), (new_height, new_width) = _size(array), size
    if (height, width) == size:
        return array
    # A shape is kept when both sides were rounded to whole pixels.
    if abs(height * new_width - width * new_height) > max(new_height, new_width) / 2 + max(height, width) / 2:
        raise InputError(
            f"{path}: {width}x{height} found, but the photograph is {new_width}x{new_height}; allowed: its size, or "
            "its shape; a body map of a box is read with --densepose-from box:LEFT,TOP"
        )
    notes.append(f"{path.name}: resized from {width}x{height}")
    return resize_nearest(array, size)


def _size(array: UInt8Array) -> tuple[int, int]:
    return array.shape[0], array.shape[1]


def _is_person_folder(folder: Path) -> bool:
    return all(path.name in (*IMAGE_NAMES, LABELS_NAME, *DENSEPOSE_NAMES) for path in folder.iterdir())
