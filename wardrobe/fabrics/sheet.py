"""The sheet that a picture for a shirt is drawn on."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .lettering import draw_hand, fitted_text
from .motifs import draw_motif, stamp
from .palette import Floats, inks
from .words import draw_number, draw_word

SIDE = 600
"""Height and width of a picture in pixels; shirts are shown a few times smaller."""

Ink = tuple[int, int, int]


class Sheet:
    """What a composition draws with: paper, pen, inks, and where motifs and words come from.

    Parameters
    ----------
    rng
        Source of every draw.
    held_out
        Take motifs and words from those kept for evaluation.
    scheme
        The cloth's colour and at least five inks `[k, 3]`.
    """

    def __init__(self, rng: np.random.Generator, held_out: bool, scheme: Floats):
        self.rng, self.held_out, self.scheme = rng, held_out, scheme
        self.image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)
        self.ink = inks(scheme)
        self.hand = draw_hand(rng)

    def any_ink(self) -> Ink:
        """Return an ink that is not the cloth's colour."""
        return self.ink[1 + int(self.rng.integers(len(self.ink) - 1))]

    def mixed(self, first: int, second: int, share: float) -> Ink:
        """Return a mixture of two inks."""
        return inks((1 - share) * self.scheme[first] + share * self.scheme[second])[0]

    def word(self, syllables: int = 2) -> str:
        """Return a word in capitals."""
        return draw_word(self.rng, self.held_out, syllables).upper()

    def motif(self, x: float, y: float, radius: float, family: str = "icons", tilt: float = 0.0) -> None:
        """Draw a random motif in three random inks."""
        colours = [self.ink[1 + int(i)] for i in self.rng.permutation(len(self.ink) - 1)[:3]]
        stamp(self.draw, draw_motif(self.rng, self.held_out, family), colours, (x, y), radius, tilt)

    def caption(self, y: float, height: float = 70, width: float = 520) -> None:
        """Write a word or two, centred at a height."""
        text = self.word() if self.rng.random() < 0.6 else f"{self.word()} {draw_number(self.rng, self.held_out)}"
        fitted_text(self.image, text, (SIDE / 2, y), width, height, self.any_ink(), self.hand)

    def cut_out(self, box: tuple[int, int, int, int]) -> None:
        """Keep what lies in a circle, an arch, a rectangle or a torn sheet inside a box."""
        rng = self.rng
        mask = Image.new("L", (SIDE, SIDE), 0)
        draw = ImageDraw.Draw(mask)
        left, top, right, bottom = box
        style = rng.choice(["circle", "arch", "box", "torn"])
        if style == "circle":
            draw.ellipse(box, fill=255)
        elif style == "arch":
            spring = min(bottom, top + (right - left) // 2)
            draw.ellipse((left, top, right, 2 * spring - top), fill=255)
            draw.rectangle((left, spring, right, SIDE), fill=255)
            draw.rectangle((0, bottom, SIDE, SIDE), fill=0)
        elif style == "box":
            draw.rounded_rectangle(box, radius=int(rng.choice([0, 0, 40])), fill=255)
        else:
            for y in range(top, bottom, 12):
                a, b = left + rng.uniform(0, 90), right - rng.uniform(0, 90)
                draw.rectangle((a, y, b, y + 11), fill=255)
        self.image.putalpha(mask)
