"""Show where refinement helped most and where it helped least: garment, feed-forward, refined, truth.

Run ``python -m oviton.benchmarks.experiments.refinement_quality TRIPLETS BUNDLE --pictures PICTURES`` first, then
``python examples/refinement_sheet.py benchmarks/results/refinement_quality-BUNDLE.json PICTURES -o sheet.png``. Only
rendered people are shown.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

COLUMNS = {"reference": "person and garment", "feed_forward": "feed-forward", "refined": "refined", "truth": "truth"}
HEIGHT, GAP, HEADER, CAPTION = 256, 6, 30, 150
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (110, 110, 110)


def picked(cases: list[dict[str, Any]], count: int) -> dict[str, list[dict[str, Any]]]:
    ranked = sorted((case for case in cases if case["textured"]), key=gain)
    return {"most": ranked[:count], "least": ranked[-count:]}


def gain(case: dict[str, Any]) -> float:
    methods = case["methods"]
    return float(methods["refined"]["perceptual"] / methods["feed_forward"]["perceptual"])


def row(case: dict[str, Any], pictures: Path) -> list[npt.NDArray[Any]]:
    found = []
    for method in COLUMNS:
        with Image.open(pictures / case["split"] / method / f"{case['split']}_{case['name']}.png") as image:
            scale = HEIGHT / image.height
            found.append(np.asarray(image.convert("RGB").resize((round(image.width * scale), HEIGHT))))
    return found


def sheet(groups: dict[str, list[dict[str, Any]]], pictures: Path) -> Image.Image:
    rows = [(title, case, row(case, pictures)) for title, cases in groups.items() for case in cases]
    widths = [max(cells[i].shape[1] for _, _, cells in rows) for i in range(len(COLUMNS))]
    size = CAPTION + sum(widths) + GAP * len(widths), HEADER + len(rows) * (HEIGHT + GAP)
    canvas = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(canvas)
    left = CAPTION
    for title, width in zip(COLUMNS.values(), widths, strict=True):
        draw.text((left, 6), title, fill=INK, font_size=16)
        left += width + GAP
    for y, (title, case, cells) in enumerate(rows):
        top, left = HEADER + y * (HEIGHT + GAP), CAPTION
        told = case.get("refinement") or {}
        before, after = (case["methods"][name]["perceptual"] for name in ("feed_forward", "refined"))
        fabrics = case["fabric"].replace("_", " ").split("+")
        lines = [f"helps {title}", *fabrics, f"{case['split']} {case['name']}", f"{before:.2f} to {after:.2f}"]
        lines += [] if told.get("accepted") else ["not accepted"]
        for line, text in enumerate(lines):
            draw.text((6, top + 8 + 22 * line), text, fill=FAINT if line else INK, font_size=15)
        for cell, width in zip(cells, widths, strict=True):
            canvas.paste(Image.fromarray(cell), (left, top))
            left += width + GAP
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("sheet.png"))
    parser.add_argument("--rows", type=int, default=3, help="of each kind")
    options = parser.parse_args()
    cases = json.loads(options.evaluation.read_text(encoding="utf-8"))["results"]["cases"]
    sheet(picked(cases, options.rows), options.pictures).save(options.output, optimize=True)
    print(options.output)


if __name__ == "__main__":
    main()
