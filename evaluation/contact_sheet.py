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
    """Rows of pictures with captions, in sections."""

    _rows: list[_Row] = field(default_factory=list, init=False)

    def add(self, section: str, caption: Sequence[str], cells: Sequence[Cell]) -> None:
        """Add a row: titled pictures, RGB `[H, W, 3]`, or labels `[H, W]`. Rows may lack what others have."""
        small = {title: scaled_to(picture, _ROW_HEIGHT) for title, picture in cells}
        drawn = {title: PALETTE[picture] if picture.ndim == 2 else picture for title, picture in small.items()}
        self._rows.append(_Row(section, caption, drawn))

    def draw(self, title: str) -> UInt8Array:
        """Return the sheet, RGB `[H, W, 3]`; at least one row."""
        widths: dict[str, int] = {}
        for row in sorted(self._rows, key=lambda row: -len(row.cells)):
            for name, picture in row.cells.items():
                widths[name] = max(widths.get(name, 0), picture.shape[1])
        lefts = dict(zip(widths, np.cumsum([_MARGIN + _CAPTION, *(w + _GAP for w in widths.values())]), strict=False))
        sections = list(dict.fromkeys(row.section for row in self._rows))
        height = 2 * _HEADING + len(sections) * _HEADING + len(self._rows) * (_ROW_HEIGHT + _GAP) + _MARGIN
        width = _MARGIN + _CAPTION + sum(widths.values()) + _GAP * (len(widths) - 1) + _MARGIN
        canvas = Image.new("RGB", (width, height), _PAPER)
        pen = ImageDraw.Draw(canvas)
        pen.text((_MARGIN, 16), title, fill=_INK, font=ImageFont.load_default(20))
        y = _HEADING
        for name, left in lefts.items():
            pen.multiline_text((int(left), y + 4), name, fill=_FAINT, font=ImageFont.load_default(14), spacing=2)
        y += _HEADING
        for section in sections:
            pen.line((_MARGIN, y + 6, canvas.width - _MARGIN, y + 6), fill=_RULE)
            pen.text((_MARGIN, y + 14), section, fill=_INK, font=ImageFont.load_default(18))
            y += _HEADING
            for row in (row for row in self._rows if row.section == section):
                _write(pen, (_MARGIN, y), row.caption)
                for name, picture in row.cells.items():
                    canvas.paste(Image.fromarray(picture), (int(lefts[name]), y))
                y += _ROW_HEIGHT + _GAP
        return np.asarray(canvas)


@dataclass
class TripletSheet:
    """A contact sheet of some triplets, a few of each split.

    Parameters
    ----------
    due
        Names of the triplets to show, in order, by split. In the place of an unusable one comes the next.
    """

    due: dict[str, list[str]]
    sheet: ContactSheet = field(default_factory=ContactSheet, init=False)

    @classmethod
    def of(cls, folder: TripletFolder, *, per_split: int = 3) -> TripletSheet:
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
        garments = [(f"garment {number}", garment.image) for number, garment in enumerate(triplet.garments, start=1)]
        self.sheet.add(
            triplet.split,
            _caption(case),
            [
                ("person", triplet.person.image),
                *garments,
                *((title, pictures.by_method[m]) for m, title in _RESULTS.items() if m in pictures.by_method),
                ("truth", triplet.true_image),
                ("labels\ndrawn", pictures.labels),
                ("labels,\ntruth", triplet.true_labels),
            ],
        )


@dataclass(frozen=True)
class _Row:
    section: str
    caption: Sequence[str]
    cells: dict[str, UInt8Array]


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
