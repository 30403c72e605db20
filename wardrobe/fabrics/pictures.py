"""Big pictures for shirts: landscapes, faces, bouquets, badges, collages and lettering, no two alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from .lettering import arched_text, draw_hand, fitted_text
from .motifs import draw_motif, stamp
from .noise import noise
from .palette import Floats
from .portrait import portrait
from .scenes import landscape, photograph
from .sheet import SIDE, Sheet
from .words import draw_number


def draw_picture(rng: np.random.Generator, held_out: bool, scheme: Floats) -> Image.Image:
    """Draw one picture.

    Parameters
    ----------
    rng
        Source of the draw.
    held_out
        Take motifs and words from those kept for evaluation.
    scheme
        The cloth's colour and at least five inks `[k, 3]`.

    Returns
    -------
    PIL.Image.Image
        RGBA, clear where the cloth shows.
    """
    compositions: list[tuple[float, Callable[[Sheet], None]]] = [
        (0.22, landscape), (0.16, portrait), (0.12, _bouquet), (0.14, _badge), (0.14, _collage), (0.10, _lettering),
        (0.12, photograph),
    ]  # fmt: skip
    weights = np.array([weight for weight, _ in compositions])
    sheet = Sheet(rng, held_out, scheme)
    compositions[int(rng.choice(len(compositions), p=weights / weights.sum()))][1](sheet)
    if rng.random() < 0.12:  # worn off by washing
        wear = noise(rng, SIDE // 4, 10, 1.5).repeat(4, 0).repeat(4, 1)
        cover = np.asarray(sheet.image.getchannel("A")) * (wear < rng.uniform(0.8, 1.6))
        sheet.image.putalpha(Image.fromarray(cover.astype(np.uint8)))
    return sheet.image


def _bouquet(sheet: Sheet) -> None:
    rng = sheet.rng
    spread = rng.uniform(120, 190)
    places = rng.normal((300, 270), (spread * 0.75, spread), (46, 2)).clip(70, 530)
    for x, y in places:
        away = np.arctan2(270 - y, x - 300) - np.pi / 2
        sheet.motif(x, y, rng.uniform(50, 85), "leaves", away + rng.normal(0, 0.5))
    for x, y in places[:24] * 0.8 + np.array([300, 270]) * 0.2:
        sheet.motif(x, y, rng.uniform(34, 78), "flowers", rng.uniform(0, 6.3))
    if rng.random() < 0.4:
        sheet.motif(300, 280, 130)
    if rng.random() < 0.4:
        sheet.caption(560)


def _badge(sheet: Sheet) -> None:
    rng, draw, ink = sheet.rng, sheet.draw, sheet.ink
    filled = rng.random() < 0.6
    if filled:
        draw.ellipse((20, 20, 580, 580), fill=ink[1])
    draw.ellipse((20, 20, 580, 580), outline=ink[2], width=int(rng.integers(6, 22)))
    draw.ellipse((130, 130, 470, 470), fill=ink[3] if rng.random() < 0.7 else None, outline=ink[2], width=10)
    letters = ink[2] if filled else ink[1]
    arched_text(sheet.image, f"{sheet.word(3)} {sheet.word()}", 212, 84, letters, top=True, hand=sheet.hand)
    arched_text(
        sheet.image, f"{sheet.word()} {draw_number(rng, sheet.held_out)}", 212, 84, letters, top=False, hand=sheet.hand
    )
    inner = [ink[1], ink[4], ink[5]] if filled else [ink[4], ink[5], ink[2]]
    stamp(draw, draw_motif(rng, sheet.held_out), inner, (300, 300), 128)


def _collage(sheet: Sheet) -> None:
    rng, draw = sheet.rng, sheet.draw
    for size in np.sort(rng.uniform(30, 190, int(rng.integers(14, 34))))[::-1]:
        x, y = rng.uniform(70, 530, 2)
        shape = rng.choice(["polygon", "disc", "ring", "bars", "halftone", "motif", "word", "squiggle"])
        fill = sheet.any_ink()
        if shape == "polygon":
            turn = np.sort(rng.uniform(0, 6.3, int(rng.integers(3, 7))))
            draw.polygon([(x + size * np.cos(t), y + size * np.sin(t)) for t in turn], fill=fill)
        elif shape == "disc":
            draw.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), fill=fill)
        elif shape == "ring":
            draw.ellipse(
                (x - size, y - size, x + size, y + size), outline=fill, width=int(size * rng.uniform(0.1, 0.4))
            )
        elif shape == "bars":
            for bar in range(int(rng.integers(4, 9))):
                draw.rectangle((x - size, y + bar * 20, x + size, y + bar * 20 + 10), fill=fill)
        elif shape == "halftone":
            for row in range(8):
                for column in range(8):
                    dot, cx, cy = 1.2 * row, x + 22 * column - 80, y + 22 * row - 80
                    draw.ellipse((cx - dot, cy - dot, cx + dot, cy + dot), fill=fill)
        elif shape == "motif":
            sheet.motif(x, y, size, tilt=rng.normal(0, 0.3))
        elif shape == "word":
            fitted_text(sheet.image, sheet.word(), (x, y), 3 * size, size, fill, draw_hand(rng))
        else:
            along = np.linspace(0, rng.uniform(6, 16), 40)
            line = [(x - size + 2 * size * a / along[-1], y + 0.3 * size * np.sin(a)) for a in along]
            draw.line(line, fill=fill, width=int(rng.integers(5, 16)), joint="curve")


def _lettering(sheet: Sheet) -> None:
    rng, draw = sheet.rng, sheet.draw
    y = 20.0
    while y < 560:
        height = float(rng.choice([40, 60, 90, 140, 180]))
        fill = sheet.any_ink()
        if rng.random() < 0.2:
            draw.rectangle((30, y, 570, y + 12), fill=fill)
            y += 26
            continue
        text = " ".join(sheet.word(int(rng.integers(1, 4))) for _ in range(1 if height > 80 else 3))
        if rng.random() < 0.25:
            draw.rectangle((30, y - 4, 570, y + height + 4), fill=fill)
            fill = sheet.ink[0]
        fitted_text(sheet.image, text, (300, y + height / 2), 530, height * 0.86, fill, draw_hand(rng))
        y += height + 14
