"""Render the example people, with labels and body maps. The same file always renders the same people.

Run ``python examples/render_people.py`` to write `examples/people/`. They are made of bodies, clothes and backgrounds
that training never sees.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oviton.data.images import write_image
from oviton.wardrobe.outfit import Taste, sample_wear
from oviton.wardrobe.wearer import sample_wearer

FOLDER = Path(__file__).parent / "people"
SEED = 2026
SIZE = (512, 256)
PEOPLE = {"ana": 0, "ben": 4, "chloe": 25, "dev": 54, "eva": 35, "finn": 47, "gia": 31, "hugo": 20}
"""Who was chosen among the people that the seed draws."""


def main() -> None:
    for name, number in PEOPLE.items():
        rng = np.random.default_rng([SEED, number])
        wearer = sample_wearer(rng, held_out=True, framings=(1, 0, 0), letterboxed=False)
        photograph = wearer.photograph(sample_wear(rng, Taste(held_out=True, coats=0.1)), SIZE)
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / "image.png", photograph.image)
        write_image(folder / "labels.png", photograph.labels)
        write_image(folder / "densepose.png", photograph.densepose)
        print(f"{folder.relative_to(FOLDER.parent.parent)}: {SIZE[0]}x{SIZE[1]}")


if __name__ == "__main__":
    main()
