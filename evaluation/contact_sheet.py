"""A contact sheet: person, garments, what the bundle made of them, the truth, and the labels of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..data.classes import PALETTE
from ..data.images import UInt8Array
from .methods import FEED_FORWARD, FLAT, REFINED, TRUE_LABELS, Pictures
from .picture_folders import scaled_to
from .report import CaseReport
from .triplets import Triplet, TripletFolder

_ROW_HEIGHT = 256
_GAP, _MARGIN, _CAPTION, _HEADING = 8, 24, 176, 44
_PAPER, _INK, _FAINT, _RULE = (250, 250, 248), (32, 34, 38), (112, 116, 124), (214, 214, 208)

_RESULTS = {
    FLAT: "flat colour",
    FEED_FORWARD: "result",
    REFINED: "refined",
    TRUE_LABELS: "result,\ntrue labels",
}

Cell = tuple[str, UInt8Array]


@dataclass
class ContactSheet:
    """Rows of pictures, a few for each split.

    Parameters
    ----------
    due
        Names of the triplets to show, in order, by split. In the place of an unusable one comes the next.
    """

    due: dict[str, list[str]]
    _rows: list[_Row] = field(default_factory=list, init=False)

    @classmethod
    def of(cls, folder: TripletFolder, *, per_split: int = 3) -> ContactSheet:
        """Choose triplets evenly spread over each split, always the same ones, good or bad."""
        due = {}
        for split, paths in folder.splits.items():
            picks = np.linspace(0, len(paths) - 1, min(per_split, len(paths))).round().astype(int)
            due[split] = [paths[i].name for i in picks]
        return cls(due)

    def add(self, triplet: Triplet, pictures: Pictures, case: CaseReport) -> None:
        """Take a triplet if one is due; they come in order."""
        due = self.due[triplet.split]
        if not due or triplet.name < due[0]:
            return
        due.pop(0)
        results = [(title, pictures.by_method[m]) for m, title in _RESULTS.items() if m in pictures.by_method]
        self._rows.append(
            _Row(
                split=triplet.split,
                caption=_caption(case),
                person=_small(triplet.person.image),
                garments=[_small(garment.image) for garment in triplet.garments],
                results=[(title, _small(picture)) for title, picture in results],
                truth=[
                    ("truth", _small(triplet.true_image)),
                    ("labels\ndrawn", PALETTE[_small(pictures.labels)]),
                    ("labels,\ntruth", PALETTE[_small(triplet.true_labels)]),
                ],
            )
        )

    def draw(self, title: str) -> UInt8Array:
        """Return the sheet, RGB `[H, W, 3]`; at least one row."""
        garments = max(len(row.garments) for row in self._rows)
        rows = [(row, row.cells(garments)) for row in self._rows]
        widths = [max(cells[i][1].shape[1] for _, cells in rows) for i in range(len(rows[0][1]))]
        lefts = np.cumsum([_MARGIN + _CAPTION, *(width + _GAP for width in widths)])
        splits = list(dict.fromkeys(row.split for row in self._rows))
        height = 2 * _HEADING + len(splits) * _HEADING + len(rows) * (_ROW_HEIGHT + _GAP) + _MARGIN
        canvas = Image.new("RGB", (int(lefts[-1]) - _GAP + _MARGIN, height), _PAPER)
        pen = ImageDraw.Draw(canvas)
        pen.text((_MARGIN, 16), title, fill=_INK, font=ImageFont.load_default(20))
        y = _HEADING
        for left, (name, _) in zip(lefts, rows[0][1], strict=False):
            pen.multiline_text((int(left), y + 4), name, fill=_FAINT, font=ImageFont.load_default(14), spacing=2)
        y += _HEADING
        for split in splits:
            pen.line((_MARGIN, y + 6, canvas.width - _MARGIN, y + 6), fill=_RULE)
            pen.text((_MARGIN, y + 14), split, fill=_INK, font=ImageFont.load_default(18))
            y += _HEADING
            for row, cells in (pair for pair in rows if pair[0].split == split):
                _write(pen, (_MARGIN, y), row.caption)
                for left, (_, picture) in zip(lefts, cells, strict=False):
                    canvas.paste(Image.fromarray(picture), (int(left), y))
                y += _ROW_HEIGHT + _GAP
        return np.asarray(canvas)


@dataclass(frozen=True)
class _Row:
    split: str
    caption: Sequence[str]
    person: UInt8Array
    garments: list[UInt8Array]
    results: list[Cell]
    truth: list[Cell]

    def cells(self, garments: int) -> list[Cell]:
        """Return titled pictures, with blank ones up to a number of garments."""
        blank = np.full_like(self.person, _PAPER)
        worn = [*self.garments, *[blank] * (garments - len(self.garments))]
        names = [f"garment {i}" for i in range(1, garments + 1)] if garments > 1 else ["garment"]
        return [("person", self.person), *zip(names, worn, strict=True), *self.results, *self.truth]


def _caption(case: CaseReport) -> list[str]:
    ours, flat = case.methods[FEED_FORWARD], case.methods[FLAT]
    return [
        case.name,
        case.fabric,
        "",
        "swapped region:",
        f"PSNR {ours.psnr:.1f} dB (flat {flat.psnr:.1f})",
        f"SSIM {ours.ssim:.2f} (flat {flat.ssim:.2f})",
        f"perc. {ours.perceptual:.2f} (flat {flat.perceptual:.2f})",
        *(f"IoU {name} {drawn:.2f}" for name, (drawn, _) in case.iou.items()),
    ]


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], lines: Sequence[str]) -> None:
    for index, line in enumerate(lines):
        font = ImageFont.load_default(16 if index == 0 else 13)
        text = line if pen.textlength(line, font=font) <= _CAPTION - _GAP else _shorten(pen, line, font)
        pen.text(
            (at[0], at[1] + (0 if index == 0 else 6 + 18 * index)), text, fill=_FAINT if index else _INK, font=font
        )


def _shorten(pen: ImageDraw.ImageDraw, line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while line and pen.textlength(line + "…", font=font) > _CAPTION - _GAP:
        line = line[:-1]
    return line + "…"


def _small(picture: UInt8Array) -> UInt8Array:
    return scaled_to(picture, _ROW_HEIGHT)
