"""DensePose's 24 parts of the body surface in groups, and where on the body each class may lie.

Left and right are the person's own.
"""

from __future__ import annotations

import numpy as np

from .classes import CLASS_IDS, NUM_BODY_PARTS, NUM_CLASSES

TORSO = (1, 2)
RIGHT_HAND, LEFT_HAND = 3, 4
LEFT_FOOT, RIGHT_FOOT = 5, 6
UPPER_LEGS = (7, 8, 9, 10)
LOWER_LEGS = (11, 12, 13, 14)
UPPER_ARMS = (15, 16, 17, 18)
LOWER_ARMS = (19, 20, 21, 22)
HEAD_PARTS = (23, 24)

HANDS = (RIGHT_HAND, LEFT_HAND)
FEET = (LEFT_FOOT, RIGHT_FOOT)
LEGS = (*UPPER_LEGS, *LOWER_LEGS, *FEET)
ARMS = (*UPPER_ARMS, *LOWER_ARMS, *HANDS)

LEFT = (LEFT_HAND, LEFT_FOOT, 8, 10, 12, 14, 15, 17, 19, 21)
RIGHT = (RIGHT_HAND, RIGHT_FOOT, 7, 9, 11, 13, 16, 18, 20, 22)


def parts(*which: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which of the 25 part ids (0 is the background) are among these, bool `[25]`.

    Examples
    --------
    >>> np.flatnonzero(parts(*HANDS))
    array([3, 4])
    """
    chosen = np.zeros(NUM_BODY_PARTS, dtype=bool)
    chosen[list(which)] = True
    return chosen


_ANYWHERE = tuple(range(1, NUM_BODY_PARTS))

MAY_LIE_ON = np.zeros((NUM_CLASSES, NUM_BODY_PARTS), dtype=bool)
"""Whether class row may lie on part column, bool `[20, 25]`.

Generous: hands are held before everything near them, hair and scarves fall, tops are long, and parsers and body maps
draw every border a little differently.
"""
for _name, _parts in {
    "hat": (*HEAD_PARTS, *HANDS),
    "hair": (*HEAD_PARTS, *TORSO, *ARMS),
    "glove": ARMS,
    "sunglasses": (*HEAD_PARTS, *HANDS),
    "upper_clothes": (*HEAD_PARTS, *TORSO, *ARMS, *UPPER_LEGS),
    "dress": (*HEAD_PARTS, *TORSO, *ARMS, *LEGS),
    "coat": _ANYWHERE,
    "socks": LEGS,
    "pants": (*TORSO, *LEGS, *HANDS, *LOWER_ARMS),
    "torso_skin": (*HEAD_PARTS, *TORSO, *ARMS),
    "scarf": _ANYWHERE,
    "skirt": (*TORSO, *LEGS, *HANDS, *LOWER_ARMS),
    "face": (*HEAD_PARTS, *TORSO, *HANDS),
    "left_arm": (*ARMS, *TORSO, *UPPER_LEGS),
    "right_arm": (*ARMS, *TORSO, *UPPER_LEGS),
    "left_leg": (*LEGS, *HANDS),
    "right_leg": (*LEGS, *HANDS),
    "left_shoe": (*LOWER_LEGS, *FEET),
    "right_shoe": (*LOWER_LEGS, *FEET),
}.items():
    MAY_LIE_ON[CLASS_IDS[_name], _parts] = True
