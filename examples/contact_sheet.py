"""Dress example people and put what went in beside what came out.

Person, garments, labels and result of the default bundle; and of the one whose generator sees codes only, as the
paper's does, the result before and after refinement.

Run ``python examples/contact_sheet.py -o sheet.png``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from oviton import Garment, Person, TryOn
from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.data.classes import PALETTE

PEOPLE = Path(__file__).parent / "people"
LOOKS: tuple[tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]], ...] = (
    ("hugo", (("ana", "upper_clothes"), ("finn", "pants")), ()),
    ("ana", (("finn", "upper_clothes"), ("eva", "skirt")), ()),
    ("gia", (("chloe", "dress"), ("dev", "coat")), ()),
)
"""Person, garments with the class taken from each, and classes taken off."""

COLUMNS = ("person", "garment 1", "garment 2", "labels", "result", "from codes only", "refined")
STEPS = 40
HEADER, GAP, WHITE = 26, 6, (255, 255, 255)

Picture = npt.NDArray[Any]


def row(
    tryon: TryOn, codes: TryOn, name: str, wear: tuple[tuple[str, str], ...], remove: tuple[str, ...]
) -> list[Picture]:
    person = Person.open(PEOPLE / name)
    garments = [Garment.open(PEOPLE / folder, wear=classes) for folder, classes in wear]
    look, plain = tryon(person, garments, remove), codes(person, garments, remove)
    refined = codes.refine(person, garments, remove, steps=STEPS)
    told = refined.report.refinement
    if told is None or not told.accepted:
        raise SystemExit(f"{name}: nothing was refined, so there is nothing to show: {told and told.reason}")
    blank = np.full_like(person.image, 255)
    inputs = [person.image, *(garment.image for garment in garments)]
    return [*inputs, *[blank] * (3 - len(inputs)), PALETTE[look.labels], look.image, plain.image, refined.image]


def sheet(rows: list[list[Picture]]) -> Image.Image:
    height, width = rows[0][0].shape[:2]
    canvas = Image.new("RGB", (len(COLUMNS) * (width + GAP), HEADER + len(rows) * (height + GAP)), WHITE)
    draw = ImageDraw.Draw(canvas)
    for x, title in enumerate(COLUMNS):
        draw.text((x * (width + GAP) + 8, 6), title, fill=(60, 60, 60), font_size=16)
    for y, pictures in enumerate(rows):
        for x, picture in enumerate(pictures):
            canvas.paste(Image.fromarray(picture), (x * (width + GAP), HEADER + y * (height + GAP)))
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("sheet.png"))
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--codes", type=Path, default=SHIPPED_BUNDLES / "small-codes", help="the bundle to refine")
    options = parser.parse_args()
    with TryOn.load(options.bundle) as tryon, TryOn.load(options.codes) as codes:
        picture = sheet([row(tryon, codes, *look) for look in LOOKS])
    picture.resize((picture.width * 3 // 5, picture.height * 3 // 5), Image.Resampling.LANCZOS).save(
        options.output, optimize=True
    )
    print(options.output)


if __name__ == "__main__":
    main()
