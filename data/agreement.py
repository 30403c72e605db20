"""Labels and a body map checked: each by itself, and against each other.

Both are drawn by programs that nobody here has seen, and a wrong one gives a wrong picture without an error: ids of
another parser, a map of a mirrored photograph, a part map that was resized like a picture. Each check looks for one
such mistake, by what it does to *every* photograph and what no parser does by itself, and its limit lies far from both.
What stays unclear passes: a false alarm on good data costs more than a miss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .body_parts import ARMS, HEAD_PARTS, LEFT, LEGS, MAY_LIE_ON, RIGHT, parts
from .classes import CLASS_IDS, CLASS_NAMES, HEAD, MIRRORED, NUM_BODY_PARTS, NUM_CLASSES, ids
from .conventions import CONVENTIONS
from .errors import InputError

UInt8Array = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.float64]
"""Pixels by class and part, `[20, 25]`."""

SAMPLES = 1 << 15
"""About how many pixels a check looks at: more would not change a share of them."""

ENOUGH = 200
"""Pixels of a sample without which nothing is concluded, as of a person who is tiny or hardly in the picture."""

MIXED = 0.17
"""Share of the changes along a row at which values were mixed. A filter puts values between nearly all neighbours;
drawn parts meet in any order, so that one rarely lies between two others, and three in a row hardly ever count up."""

LARGE_GLASSES = 0.1
"""Share of a figure that sunglasses reach in close pictures of heads only; 4 is a top or a dress elsewhere."""

IMPOSSIBLE = 0.03
"""Share of the figure on parts where its classes cannot lie, from which on other ids are tried."""

FAR_BETTER = 0.25
"""Share of a fault that may be left when another reading explains it."""

TELLING = 0.02
"""Share of the figure that skin or a head needs to tell whether a map lies on it: borders alone decide less."""

ASTRAY = 0.6
"""Share of bare skin on its own parts, and of the head's parts under what heads wear, that one of the two reaches for
every pair of a parser and a body map on a photograph that both saw."""

DOUBTFUL = 0.75
"""The mean of the two below which another place of the map is tried, and may convince by being far better."""

SWAPPED = 0.1
"""Share of limbs on their own side below which left and right are exchanged. Legs cross, and body maps mistake them; no
photograph makes arms and legs disagree at once."""

LEAST_LIMB = 0.002
"""Share of the figure that a limb needs to have a say."""

_FACE, _SUNGLASSES = CLASS_IDS["face"], CLASS_IDS["sunglasses"]
_SKIN = {
    _FACE: HEAD_PARTS,
    **dict.fromkeys(ids("left_arm", "right_arm"), ARMS),
    **dict.fromkeys(ids("left_leg", "right_leg"), LEGS),
}
"""Skin that lies on one kind of part, if the sides are left aside."""
_ON_HEADS = ids("hat", "hair", "sunglasses", "face", "torso_skin", "scarf", "coat", "upper_clothes", "dress")


@dataclass(frozen=True)
class Doubt:
    """What labels or a body map look like, and what to do.

    Parameters
    ----------
    about
        ``"labels"`` or ``"body map"``.
    text
        One line.
    certain
        Whether no good picture can come of it.
    """

    about: str
    text: str
    certain: bool


def check_person(labels: UInt8Array, densepose: UInt8Array, name: str) -> tuple[str, ...]:
    """Check a person's labels and body map.

    Parameters
    ----------
    labels
        `[H, W]`, ids 0 to 19.
    densepose
        `[H, W, 3]`: part, U, V.
    name
        What messages call the person.

    Returns
    -------
    tuple
        What a user should know; empty when all is well.

    Raises
    ------
    InputError
        When no good picture can come of them.

    Examples
    --------
    >>> person = Person.open("person/")
    >>> check_person(person.labels, person.densepose, "person")
    ()
    >>> check_person(person.labels, person.densepose * 0, "person")
    Traceback (most recent call last):
    oviton.data.errors.InputError: person: the body map is empty...
    """
    doubt = find_doubt(labels, densepose)
    if doubt is None:
        return ()
    if doubt.certain:
        raise InputError(f"{name}: {doubt.text}")
    return (f"{_told(name)}: {doubt.text}",)


def check_garment(
    labels: UInt8Array, densepose: UInt8Array | None, name: str
) -> tuple[UInt8Array | None, tuple[str, ...]]:
    """Check a garment photograph's labels and body map, which it can do without.

    Parameters
    ----------
    labels
        `[H, W]`, ids 0 to 19.
    densepose
        `[H, W, 3]`: part, U, V; or None.
    name
        What messages call the photograph.

    Returns
    -------
    tuple
        The body map, or None where it is of no use, and what a user should know.

    Raises
    ------
    InputError
        When the labels are of no use.

    Examples
    --------
    >>> photo = Person.open("shirt/")
    >>> check_garment(photo.labels, photo.densepose * 0, "shirt")
    (None, ('shirt: the body map is empty...; it is left out',))
    """
    doubt = find_doubt(labels, densepose)
    if doubt is None:
        return densepose, ()
    if doubt.certain and doubt.about == "labels":
        raise InputError(f"{name}: {doubt.text}")
    if doubt.certain:
        return None, (f"{_told(name)}: {doubt.text}; it is left out",)
    return densepose, (f"{_told(name)}: {doubt.text}",)


def find_doubt(labels: UInt8Array, densepose: UInt8Array | None) -> Doubt | None:
    """Return the gravest thing that is wrong with a photograph's labels and body map; None when all is well.

    Parameters
    ----------
    labels
        `[H, W]`, ids 0 to 19.
    densepose
        `[H, W, 3]`: part, U, V; or None.
    """
    doubt = _of_labels(labels)
    if doubt is None and densepose is not None:
        doubt = _of_body_map(densepose) or _between(labels, densepose)
    return doubt if doubt is not None and doubt.certain else _large_glasses(labels) or doubt


def _told(name: str) -> str:
    """Return what notes call a folder: its name, not where it lies."""
    return Path(name).name or name


def _of_labels(labels: UInt8Array) -> Doubt | None:
    if not _mixed(labels):
        return None
    text = "its labels hold values between classes along all borders; resize labels by nearest neighbour"
    return Doubt("labels", text, True)


def _large_glasses(labels: UInt8Array) -> Doubt | None:
    """Look for sunglasses larger than the head that wears them; a pair may be photographed alone."""
    pixels = np.bincount(_sample(labels).ravel(), minlength=NUM_CLASSES)
    figure, glasses, head = pixels[1:].sum(), pixels[_SUNGLASSES], pixels[list(HEAD)].sum()
    if figure < ENOUGH or glasses in (0, figure) or glasses < max(LARGE_GLASSES * figure, head / 2):
        return None
    others = [c.name for c in CONVENTIONS.values() if c.targets[_SUNGLASSES] in ("upper_clothes", "dress")]
    return Doubt("labels", f"its labels call much of the figure sunglasses; {_convert_labels(*others)}", True)


def _of_body_map(densepose: UInt8Array) -> Doubt | None:
    say = partial(Doubt, "body map", certain=True)
    sample = _sample(densepose)
    body = sample[sample[..., 0] > 0]
    if not len(body) and not densepose[..., 0].any():
        return say("the body map is empty; run DensePose on this photograph")
    if len(body) < ENOUGH:
        return None
    for channel, letter in ((1, "U"), (2, "V")):
        values = body[:, channel]
        if values.max() <= 1 or values.min() == values.max():
            return say(
                f"{letter} of the body map is {values.min()} to {values.max()} everywhere; "
                "save U and V too, from 0 to 255"
            )
    if _mixed(densepose[..., 0]):
        return say("the body map holds values between parts along all borders; resize it by nearest neighbour")
    return None


def _between(labels: UInt8Array, densepose: UInt8Array) -> Doubt | None:
    small, body = _sample(labels), _sample(densepose[..., 0])
    counts = _count(small, body)
    if counts[1:].sum() < ENOUGH or counts[:, 1:].sum() < ENOUGH:
        return None
    return _mask(counts) or _other_ids(counts) or _other_place(small, body, counts) or _sides(counts)


def _mask(counts: Counts) -> Doubt | None:
    """Look for one class all over the body; trousers alone may be a photograph of legs."""
    present = 1 + np.flatnonzero(counts[1:].any(axis=1))
    if len(present) > 1 or _impossible(counts) < IMPOSSIBLE:
        return None
    text = (
        f"its labels hold one class only ({CLASS_NAMES[present[0]]}), like a mask; run a parser of the 20 CIHP classes"
    )
    return Doubt("labels", text, True)


def _other_ids(counts: Counts) -> Doubt | None:
    """Look for ids of another convention: classes where they cannot lie, and could in that convention."""
    wrong = _impossible(counts)
    if wrong < IMPOSSIBLE:
        return None
    others = {
        name: _renamed(counts, convention.targets)
        for name, convention in CONVENTIONS.items()
        if name != "cihp" and not counts[len(convention.targets) :].any()
    }
    left = {name: _impossible(other) for name, other in others.items()}
    best = min(left, key=lambda name: left[name])
    # A map in a wrong place makes classes impossible too, but other ids would not put it right.
    if left[best] > FAR_BETTER * wrong or min(_fits(others[best])) < ASTRAY:
        return None
    near = [name for name in left if left[name] <= max(left[best], IMPOSSIBLE)]
    return Doubt("labels", f"its labels do not fit its body map as CIHP ids; {_convert_labels(*near)}", True)


def _sides(counts: Counts) -> Doubt | None:
    """Look for left and right exchanged on every limb that shows on both sides."""
    figure = counts[1:].sum()
    shares = []
    for (left, right), own in zip(MIRRORED, (ARMS, LEGS, LEGS), strict=True):
        on_left, on_right = parts(*LEFT) & parts(*own), parts(*RIGHT) & parts(*own)
        pair = [[counts[c][side].sum() for side in (on_left, on_right)] for c in (left, right)]
        if all(sum(limb) > LEAST_LIMB * figure for limb in pair):
            shares.append((pair[0][0] + pair[1][1]) / sum(map(sum, pair)))
    if len(shares) > 1 and max(shares) < SWAPPED:
        return Doubt(
            "body map",
            "left and right of its labels and its body map are exchanged; the picture will be poor unless both are "
            "made from this photograph, as it is",
            False,
        )
    return None


def _other_place(labels: UInt8Array, body: UInt8Array, counts: Counts) -> Doubt | None:
    """Look for a map that lies beside the figure, and where it would fit."""
    fits = _fits(counts)
    misfit = 1 - sum(fits) / 2
    if misfit > 1 - DOUBTFUL:
        for how, moved, certain in (
            ("mirrored", body[:, ::-1], True),
            ("upside down", body[::-1, ::-1], True),
            ("stretched or shifted", _fitted(labels, body), False),
        ):
            if 1 - sum(_fits(_count(labels, moved))) / 2 < FAR_BETTER * misfit:
                text = f"the body map lies {how} on the figure of its labels; make it from this photograph, as it is"
                return Doubt("body map", text, certain)
    if max(fits) >= ASTRAY:
        return None
    text = (
        "the body map does not lie on the figure of its labels; is it of another photograph, crop or person? "
        "The picture will be poor"
    )
    return Doubt("body map", text, False)


def _fits(counts: Counts) -> tuple[float, float]:
    """Return which share of bare skin lies on its own parts, and of the head's parts under what heads wear.

    Bystanders in the map leave the one alone, and those in the labels the other. What hardly shows counts as fitting.
    """
    skin = sum(counts[c].sum() for c in _SKIN)
    on_own = sum(counts[c][parts(*own)].sum() for c, own in _SKIN.items())
    heads = counts[:, parts(*HEAD_PARTS)]
    least = TELLING * counts[1:].sum()
    on_skin = float(on_own / skin) if skin > least else 1.0
    if heads.sum() > least:
        return on_skin, float(heads[list(_ON_HEADS)].sum() / heads.sum())
    return on_skin, float(counts[_FACE].sum() <= least)  # a face and no head do not fit


def _fitted(labels: UInt8Array, body: UInt8Array) -> UInt8Array:
    """Return a part map with the box around its body moved to the box around the figure."""
    (top, bottom), (left, right) = (_extent(labels.any(axis=axis)) for axis in (1, 0))
    (old_top, old_bottom), (old_left, old_right) = (_extent(body.any(axis=axis)) for axis in (1, 0))
    rows = old_top + np.arange(bottom - top) * (old_bottom - old_top) // (bottom - top)
    columns = old_left + np.arange(right - left) * (old_right - old_left) // (right - left)
    moved = np.zeros_like(body)
    moved[top:bottom, left:right] = body[rows[:, None], columns]
    return moved


def _extent(line: npt.NDArray[np.bool_]) -> tuple[int, int]:
    found = np.flatnonzero(line)
    return int(found[0]), int(found[-1]) + 1


def _impossible(counts: Counts) -> float:
    """Return which share of the figure on the body lies on parts where its classes cannot lie."""
    on_body = counts[1:, 1:]
    return float(on_body[~MAY_LIE_ON[1:, 1:]].sum() / max(on_body.sum(), 1))


def _renamed(counts: Counts, targets: tuple[str, ...]) -> Counts:
    """Return the counts that classes would have if their ids were of another convention; sides are as good as any."""
    renamed = np.zeros_like(counts)
    for row, target in zip(counts, targets, strict=False):
        name = {"arm": "left_arm", "leg": "left_leg", "shoe": "left_shoe", "jumpsuit": "dress"}.get(target, target)
        renamed[CLASS_IDS[name]] += row
    return renamed


def _count(labels: UInt8Array, body: UInt8Array) -> Counts:
    pairs = labels.astype(np.intp) * NUM_BODY_PARTS + body
    return np.bincount(pairs.ravel(), minlength=NUM_CLASSES * NUM_BODY_PARTS).reshape(NUM_CLASSES, -1).astype(float)


def _sample(array: UInt8Array) -> UInt8Array:
    """Return about `SAMPLES` pixels of an array `[H, W, ...]`, evenly spread."""
    height, width = array.shape[:2]
    step = max(1, round((height * width / SAMPLES) ** 0.5))
    return array[step // 2 :: step, step // 2 :: step]


def _mixed(values: UInt8Array) -> bool:
    """Tell whether ids `[H, W]` were resized by a filter, which puts between two ids those between their numbers."""
    height, width = values.shape
    rows = values[:: max(1, height * width // (2 * SAMPLES))].astype(np.int16)
    before, here, after = rows[:, :-2], rows[:, 1:-1], rows[:, 2:]
    changes = np.count_nonzero(before != after)
    if changes < ENOUGH:
        return False
    between = np.count_nonzero((before < here) & (here < after) | (before > here) & (here > after))
    # Of a map that was made much larger, a ramp takes each step over several pixels.
    steps = np.diff(rows, axis=1)
    steps = steps[steps != 0]
    counting = (np.abs(steps[:-2]) == 1) & (steps[:-2] == steps[1:-1]) & (steps[1:-1] == steps[2:])
    return bool(between > MIXED * changes or np.count_nonzero(counting) > MIXED * len(steps))


def _convert_labels(*names: str) -> str:
    return (
        f"they look like {' or '.join(names)}: "
        f"oviton import PHOTO --labels FILE --labels-from {names[0].split()[0]} --densepose FILE -o FOLDER reads them"
    )
