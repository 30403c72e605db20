"""Faces for the front of a shirt, in a few flat inks."""

from __future__ import annotations

from .sheet import Sheet


def portrait(sheet: Sheet) -> None:
    """Draw a head and shoulders: with glasses, flowers in the hair, a caption, or none of them."""
    rng = sheet.rng
    if rng.random() < 0.6:
        _behind(sheet)
    wide, tall = rng.uniform(115, 150), rng.uniform(150, 185)
    x, y = 300 + rng.normal(0, 15), 290.0
    _head(sheet, x, y, wide, tall)
    _eyes(sheet, x, y, wide)
    _nose_and_mouth(sheet, x, y)
    if rng.random() < 0.4:
        for place in range(int(rng.integers(2, 6))):
            sheet.motif(x - 170 + 80 * place, y - tall * 1.05 + 20 * abs(place - 2), 52, "flowers")
    if rng.random() < 0.5:
        sheet.caption(550, 76)


def _behind(sheet: Sheet) -> None:
    """Draw a disc, a box or rays behind the head."""
    draw, ink = sheet.draw, sheet.ink
    back = sheet.rng.choice(["disc", "rays", "box"])
    if back == "disc":
        draw.ellipse((40, 20, 560, 540), fill=ink[5])
    elif back == "box":
        draw.rectangle((50, 10, 550, 560), fill=ink[5])
    else:
        for ray in range(0, 360, 20):
            draw.pieslice((20, 0, 580, 560), ray, ray + 10, fill=ink[5])


def _head(sheet: Sheet, x: float, y: float, wide: float, tall: float) -> None:
    """Draw hair, neck, shoulders and a face, one cheek in shade."""
    rng, draw, ink = sheet.rng, sheet.draw, sheet.ink
    skin, hair, shade = ink[1], ink[2], sheet.mixed(1, 3, 0.3)
    length = rng.uniform(60, 240)
    draw.rounded_rectangle((x - wide * 1.35, y - tall * 1.15, x + wide * 1.35, y + length), 130, fill=hair)
    draw.polygon([(x - 60, y + 90), (x + 60, y + 90), (x + 75, y + 230), (x - 75, y + 230)], fill=shade)
    right = [(60, 470), (190, 500), (250, 600)]
    shoulders = [(x - a, b) for a, b in reversed(right)] + [(x + a, b) for a, b in right]
    draw.polygon(shoulders, fill=ink[4])
    draw.ellipse((x - wide, y - tall, x + wide, y + tall), fill=shade)
    draw.ellipse((x - wide, y - tall, x + wide * 0.7, y + tall * 0.98), fill=skin)
    fringe = rng.uniform(0.35, 0.7)
    box = (x - wide * 1.15, y - tall * 1.2, x + wide * 1.15, y + tall * 0.6)
    draw.chord(box, 180 + 60 * fringe, 360 - 30 * fringe, fill=hair)


def _eyes(sheet: Sheet, x: float, y: float, wide: float) -> None:
    """Draw eyes under brows, or sunglasses."""
    draw, ink = sheet.draw, sheet.ink
    glasses = sheet.rng.random() < 0.4
    for side in (-1, 1):
        ex, ey = x + side * wide * 0.44, y - 10
        if glasses:
            draw.rounded_rectangle((ex - 52, ey - 34, ex + 52, ey + 36), 30, fill=ink[3])
            draw.line((ex - 30, ey - 14, ex - 4, ey + 14), fill=ink[5], width=8)
        else:
            draw.ellipse((ex - 36, ey - 19, ex + 36, ey + 19), fill=(245, 243, 238))
            draw.ellipse((ex - 17, ey - 18, ex + 17, ey + 18), fill=ink[4])
            draw.ellipse((ex - 8, ey - 9, ex + 8, ey + 9), fill=(15, 15, 18))
            draw.arc((ex - 44, ey - 26, ex + 44, ey + 40), 190, 350, fill=ink[3], width=9)
        draw.arc((ex - 50, ey - 66, ex + 50, ey + 20), 205, 335, fill=ink[3], width=14)
    if glasses:
        draw.line((x - 30, y - 16, x + 30, y - 16), fill=ink[3], width=10)


def _nose_and_mouth(sheet: Sheet, x: float, y: float) -> None:
    draw, dark = sheet.draw, sheet.ink[3]
    draw.line([(x + 6, y), (x + 22, y + 58), (x - 8, y + 64)], fill=dark, width=8, joint="curve")
    lips = sheet.ink[5] if sheet.rng.random() < 0.3 else sheet.mixed(2, 3, 0.3)
    draw.chord((x - 48, y + 74, x + 48, y + 124), 0, 180, fill=lips)
    draw.chord((x - 48, y + 78, x + 2, y + 118), 180, 360, fill=lips)
    draw.chord((x - 2, y + 78, x + 48, y + 118), 180, 360, fill=lips)
    draw.line((x - 46, y + 98, x + 46, y + 98), fill=dark, width=5)
