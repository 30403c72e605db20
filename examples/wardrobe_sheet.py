"""Put rendered people beside their labels and body maps. Run ``python examples/wardrobe_sheet.py -o sheet.png``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from oviton.data.classes import PALETTE
from oviton.wardrobe.render import WardrobeSettings, person_in_outfit

SETTINGS = WardrobeSettings(seed=7, height=256, width=128)
PEOPLE = range(0, 24, 2)
PARTS = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("wardrobe.png"))
    options = parser.parse_args()
    columns = []
    for number in PEOPLE:
        wearer, wear = person_in_outfit(SETTINGS, number)
        photograph = wearer.photograph(wear, SETTINGS.size)
        body = photograph.densepose.copy()
        body[..., 0] = body[..., 0].astype(int) * 255 // PARTS
        columns.append(np.concatenate([photograph.image, PALETTE[photograph.labels], body]))
    Image.fromarray(np.concatenate(columns, axis=1)).save(options.output)
    print(options.output)


if __name__ == "__main__":
    main()
