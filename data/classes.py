"""The 20 CIHP classes, the groups of them that the method speaks of, and a palette to draw them."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
from PIL import Image

from .errors import InputError

CLASS_NAMES = (
    "background",
    "hat",
    "hair",
    "glove",
    "sunglasses",
    "upper_clothes",
    "dress",
    "coat",
    "socks",
    "pants",
    "torso_skin",
    "scarf",
    "skirt",
    "face",
    "left_arm",
    "right_arm",
    "left_leg",
    "right_leg",
    "left_shoe",
    "right_shoe",
)  # fmt: skip
NUM_CLASSES = len(CLASS_NAMES)
NUM_BODY_PARTS = 25
"""DensePose parts: 0 is background, 1 to 24 are surface charts of the body."""

CLASS_IDS = {name: index for index, name in enumerate(CLASS_NAMES)}
BACKGROUND = CLASS_IDS["background"]


def ids(*names: str) -> tuple[int, ...]:
    """Return the ids of known class names, in the order given."""
    return tuple(CLASS_IDS[name] for name in names)


HEAD = ids("hat", "hair", "sunglasses", "face")
SKIN = ids("face", "torso_skin", "left_arm", "right_arm", "left_leg", "right_leg")
GARMENTS = tuple(i for i in range(NUM_CLASSES) if i not in (BACKGROUND, CLASS_IDS["hair"]) and i not in SKIN)
"""What can be worn or removed; everything else is the person."""

TOPS = ids("upper_clothes", "dress", "coat")
"""The garments that may have sleeves."""

HEADWEAR = ids("hat", "sunglasses", "scarf")
"""The garments that may cover the head."""

MAY_COVER = np.ones((NUM_CLASSES, NUM_CLASSES), dtype=bool)
"""Whether class row, when newly drawn, may cover the person's class column, which stays.

Only headwear may cover the head, and what is worn below a garment goes below it: trousers under a top, clothes under
a coat, all but headwear under a scarf. (A top may go into a skirt.) Arms hang before trousers and skirts.
"""
MAY_COVER[np.ix_([g for g in GARMENTS if g not in HEADWEAR], HEAD)] = False
MAY_COVER[CLASS_IDS["pants"], CLASS_IDS["upper_clothes"]] = False
MAY_COVER[ids("upper_clothes", "dress", "pants", "skirt"), CLASS_IDS["coat"]] = False
MAY_COVER[ids("upper_clothes", "dress", "pants", "skirt", "coat"), CLASS_IDS["scarf"]] = False
MAY_COVER[np.ix_(ids("pants", "skirt"), ids("left_arm", "right_arm"))] = False

MAY_REVEAL = MAY_COVER.copy()
"""Whether class column, which stays, may come to light where class row is taken off or exchanged.

What a class cannot cover it cannot have hidden: where trousers were there is no more of the top, nor of a hand. A
hood or a collar may have hidden some of the head.
"""
MAY_REVEAL[:, HEAD] = True

TAKES_OFF = {
    CLASS_IDS["dress"]: ids("upper_clothes", "skirt", "pants"),
    CLASS_IDS["upper_clothes"]: ids("dress"),
    CLASS_IDS["pants"]: ids("dress", "skirt"),
    CLASS_IDS["skirt"]: ids("dress", "pants"),
}
"""Wearing the key takes off the values."""

LAYERS = {
    CLASS_IDS[name]: layer
    for layer, names in enumerate(
        (
            ("socks",),
            ("left_shoe", "right_shoe"),
            ("pants", "skirt"),
            ("upper_clothes", "dress"),
            ("coat",),
            ("scarf", "glove"),
            ("hair",),
            ("hat", "sunglasses"),
        ),
        start=1,
    )
    for name in names
}
"""What is worn over what: a class may hide those of a lower layer, or of its own. Skin is below all."""

MIRRORED = (
    ids("left_arm", "right_arm"),
    ids("left_leg", "right_leg"),
    ids("left_shoe", "right_shoe"),
)

ALIASES = {
    "shoes": ids("left_shoe", "right_shoe"),
    "tops": ids("upper_clothes"),
    "bottoms": ids("pants", "skirt"),
}
"""Names that stand for classes on the command line: of ``bottoms``, those that a photograph shows."""

_ALSO = {
    "upper_clothes": "top tshirt shirt blouse sweater pullover jumper hoodie sweatshirt cardigan vest",
    "dress": "dresses gown",
    "coat": "coats jacket jackets blazer",
    "socks": "sock stockings",
    "pants": "trousers jeans leggings shorts",
    "skirt": "skirts",
    "hat": "hats cap beanie",
    "glove": "gloves",
    "sunglasses": "glasses",
    "scarf": "scarves shawl",
    "shoes": "shoe boots sneakers trainers",
    "bottoms": "bottom",
}
"""What else people call them."""

PALETTE = np.array(
    [
        [245, 245, 245], [214, 39, 40], [66, 43, 28], [140, 86, 75], [30, 30, 30],
        [31, 119, 180], [148, 103, 189], [23, 94, 84], [188, 189, 34], [44, 62, 120],
        [240, 190, 160], [255, 127, 14], [227, 119, 194], [250, 205, 175], [222, 165, 130],
        [205, 145, 110], [235, 175, 145], [215, 155, 125], [90, 90, 90], [60, 60, 60],
    ],
    dtype=np.uint8,
)  # fmt: skip
"""RGB colours `[20, 3]` for drawing labels."""


def parse_garment_classes(text: str) -> tuple[int, ...]:
    """Turn ``"coat,shoes"`` into class ids.

    Case, hyphens, blanks and underscores do not count, and usual words for a class stand for it: ``T-shirt`` is
    upper_clothes, ``trousers`` are pants.

    Parameters
    ----------
    text
        Comma separated garment classes or aliases.

    Raises
    ------
    InputError
        When a name is unknown, or names a part of the person instead of a garment.

    Examples
    --------
    >>> parse_garment_classes("coat,shoes")
    (7, 18, 19)
    >>> parse_garment_classes("Upper-clothes,trousers")
    (5, 9)
    """
    found: list[int] = []
    for name in (part.strip() for part in text.split(",")):
        classes = _NAMED.get(_plain(name))
        if classes is None or not set(classes) <= set(GARMENTS):
            raise InputError(_not_a_garment(name, known=classes is not None))
        found += [c for c in classes if c not in found]
    return tuple(found)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "-_ ")


_KNOWN = {**{name: (index,) for index, name in enumerate(CLASS_NAMES)}, **ALIASES}
_NAMED = {
    **{_plain(name): classes for name, classes in _KNOWN.items()},
    **{word: _KNOWN[name] for name, words in _ALSO.items() for word in words.split()},
}
"""Class ids by plain name."""


def _not_a_garment(name: str, *, known: bool) -> str:
    allowed = ", ".join([*(CLASS_NAMES[i] for i in GARMENTS), *ALIASES])
    if known:
        return f"class {name!r} is not a garment; allowed: {allowed}"
    near = get_close_matches(_plain(name), [word for word, of in _NAMED.items() if set(of) <= set(GARMENTS)], n=1)
    spelt = {_plain(known): known for known in _KNOWN}
    hint = f"; did you mean {spelt.get(near[0], near[0])}?" if near else ""
    return f"class {name!r} is unknown{hint}; allowed: {allowed}"


def present_classes(labels: npt.NDArray[np.uint8]) -> list[int]:
    """Return the ids that labels of any shape hold, in order; many times as fast as `np.unique`.

    Examples
    --------
    >>> present_classes(np.array([[0, 5], [5, 13]], np.uint8))
    [0, 5, 13]
    """
    if not labels.size:
        return []
    counts = Image.fromarray(labels if labels.ndim == 2 else labels.reshape(1, -1)).histogram()
    return [value for value, count in enumerate(counts) if count]
