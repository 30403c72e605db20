"""What evaluation triplets show: a draw for each split.

Bodies, garments, fabrics and backdrops are those kept back from training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..data.classes import CLASS_IDS
from .fabric import REPEATING_KINDS
from .garments import accessories, bottoms, footwear, tops
from .outfit import SOLID_KINDS, Piece, Wear, sample_piece, sample_wear
from .render import WardrobeSettings
from .wearer import Wearer, sample_wearer

SPLITS = {
    "upper": 61, "lower": 37, "dress": 31, "two": 37, "hard": 44,
    "layers": 30, "undress": 30, "hidden": 30, "thin": 30,
}  # fmt: skip
"""Every split, and how many of 330 triplets are of it."""

SMALLEST_GARMENT = 0.015
"""Share of the frame that what is exchanged must cover, in its photograph and in the truth."""

SMALLEST_EXTRA = 0.004
"""The same of a hat, a scarf or shoes."""

HIDDEN = 0.12
"""Share of a garment that hair and limbs hide in its photograph, in the split of that name."""

SEEN_FROM_BEHIND = 0.15
"""Share of the garment photographs of the hard split that show a back."""

WHOLE_FIGURE = (0.75, 0.25, 0.0)
"""Framings in which trousers and dresses are seen."""

_EXTRAS = ("hat", "scarf", "left_shoe", "right_shoe")


@dataclass(frozen=True)
class Triplet:
    """One case with its exact answer.

    Parameters
    ----------
    person, wears
        The person, and the outfit that they wear to begin with.
    garments
        For each garment photograph its model, the model's outfit and the classes taken from it.
    truth
        The outfit that the person wears once dressed in the garments.
    remove
        Classes to take off.
    changed
        Whether all is measured that changes, skin and what was worn below included, and not only what is worn.
    """

    person: Wearer
    wears: Wear
    garments: tuple[tuple[Wearer, Wear, tuple[str, ...]], ...]
    truth: Wear
    remove: tuple[str, ...] = ()
    changed: bool = False

    @property
    def fabrics(self) -> tuple[str, ...]:
        """Kinds of fabric of the pieces that were exchanged."""
        slots = ["top", "coat", "hat", "scarf", "shoes"]
        if not self.truth.dress:
            slots.insert(1, "bottom")
        pieces = ((getattr(self.wears, slot), getattr(self.truth, slot)) for slot in slots)
        return tuple(new.fabric().kind for old, new in pieces if new is not None and new != old)

    def is_visible(self, settings: WardrobeSettings) -> bool:
        """Tell whether all that comes and goes shows, in its photograph and on the person; a tunic may hide shorts."""
        size, assets = settings.size, settings.assets
        truth = self.person.segment(self.truth, size, assets)
        shown = [(name, truth) for _, _, classes in self.garments for name in classes]
        shown += [
            (name, labels)
            for model, wear, classes in self.garments
            for labels in [model.segment(wear, size, assets)]
            for name in classes
        ]
        if self.remove:
            before = self.person.segment(self.wears, size, assets)
            shown += [(name, before) for name in self.remove]
        return all(
            (labels == CLASS_IDS[name]).mean() >= (SMALLEST_EXTRA if name in _EXTRAS else SMALLEST_GARMENT)
            for name, labels in shown
        )


def sample_triplet(settings: WardrobeSettings, split: str, rng: np.random.Generator) -> Triplet:
    """Draw a triplet of one of the splits."""
    draw = _Draw(settings, rng)
    return _SAMPLERS[split](draw)


@dataclass(frozen=True)
class _Draw:
    """What triplets are drawn from."""

    settings: WardrobeSettings
    rng: np.random.Generator

    def model(self, *, upper: bool = False, rare: bool = False, from_behind: float = 0.0) -> Wearer:
        """Draw somebody, in a framing in which an upper body at least is seen, or all."""
        framings = (0.4, 0.2, 0.4) if upper else WHOLE_FIGURE
        return sample_wearer(
            self.rng, held_out=True, rare=rare, framings=framings, letterboxed=False, from_behind=from_behind
        )

    def wear(self, *, dress: bool = False, hard: bool = False) -> Wear:
        """Draw an outfit without a coat."""
        return sample_wear(self.rng, self.settings.taste(held_out=True, hard=hard, dress=dress, coats=0))

    def piece(self, kinds: Mapping[str, float], fabrics: tuple[str, ...] = ()) -> Piece:
        """Draw a garment."""
        return sample_piece(self.rng, kinds, fabrics, held_out=True)

    def one_of(self, *choices: str) -> str:
        """Draw a word."""
        return choices[int(self.rng.integers(len(choices)))]


def _exchange(draw: _Draw, kind: str, *, hard: bool = False) -> Triplet:
    """Exchange the upper garment, the lower one, both for a dress, or both for those of two people."""
    behind = SEEN_FROM_BEHIND if hard else 0.0
    upper_body = kind == "upper"

    def model(*, rare: bool = False) -> Wearer:
        return draw.model(upper=upper_body, rare=rare, from_behind=behind)

    person, wears = model(rare=hard), draw.wear()
    if kind == "dress":
        other = draw.wear(dress=True, hard=hard)
        return Triplet(person, wears, ((model(), other, ("dress",)),), wears.with_dress_of(other))
    other = draw.wear(hard=hard)
    upper, lower = other.classes()
    if kind == "upper":
        return Triplet(person, wears, ((model(), other, (upper,)),), wears.with_top_of(other))
    if kind == "lower":
        return Triplet(person, wears, ((model(), other, (lower,)),), wears.with_bottom_of(other))
    second = draw.wear()
    below = second.classes()[1]
    truth = wears.with_top_of(other).with_bottom_of(second)
    return Triplet(person, wears, ((model(), other, (upper,)), (model(), second, (below,))), truth)


def _hard(draw: _Draw) -> Triplet:
    """Exchange a garment of an unusual silhouette and a complex print, on somebody in a rare pose."""
    return _exchange(draw, draw.one_of("upper", "lower", "dress"), hard=True)


def _layers(draw: _Draw) -> Triplet:
    """Put a coat on or take it off; put on a scarf, a hat or shoes."""
    kind = draw.one_of("coat", "no coat", "scarf", "hat", "shoes")
    person, wears, other, model = draw.model(), draw.wear(), draw.wear(), draw.model()
    if kind == "no coat":
        dressed = replace(wears, coat=draw.piece(tops.COATS))
        return Triplet(person, dressed, (), wears, remove=("coat",), changed=True)
    slots: dict[str, tuple[Mapping[str, float], tuple[str, ...], tuple[str, ...]]] = {
        "coat": (tops.COATS, (), ("coat",)),
        "scarf": ({"scarf": 1.0}, REPEATING_KINDS, ("scarf",)),
        "hat": (accessories.HATS, SOLID_KINDS, ("hat",)),
        "shoes": (footwear.SHOES, (), ("left_shoe", "right_shoe")),
    }
    kinds, fabrics, classes = slots[kind]
    piece = draw.piece(kinds, fabrics)
    other, truth = (_in(wear, kind, piece) for wear in (other, wears))
    return Triplet(person, wears, ((model, other, classes),), truth, changed=True)


def _undress(draw: _Draw) -> Triplet:
    """Exchange long for short, sleeves for none, a dress for two pieces, and the other way round."""
    kind = draw.one_of("dress", "short", "long", "sleeveless", "sleeves")
    person, wears, other, model = draw.model(), draw.wear(dress=kind == "dress"), draw.wear(), draw.model()
    if kind == "dress":
        second, below = draw.model(), draw.wear()
        truth = wears.with_dress_of(other).with_bottom_of(below)
        upper, lower = truth.classes()
        return Triplet(person, wears, ((model, other, (upper,)), (second, below, (lower,))), truth, changed=True)
    long_trousers, short = _among(bottoms.TROUSERS, bottoms.LONG_TROUSERS), {"shorts": 0.6, "mini": 0.4}
    sleeves, bare = _among(tops.TOPS, ("long sleeve", "turtleneck", "sweater")), {"tank": 0.6, "camisole": 0.4}
    slot, old, new = {
        "short": ("bottom", long_trousers, short),
        "long": ("bottom", short, long_trousers),
        "sleeveless": ("top", sleeves, bare),
        "sleeves": ("top", bare, sleeves),
    }[kind]
    wears, other = _in(wears, slot, draw.piece(old)), _in(other, slot, draw.piece(new))
    truth = wears.with_top_of(other) if slot == "top" else wears.with_bottom_of(other)
    worn = other.classes()[0 if slot == "top" else 1]
    return Triplet(person, wears, ((model, other, (worn,)),), truth, changed=True)


def _hidden(draw: _Draw) -> Triplet:
    """Exchange a garment of which hands, arms or hair hide a good part in its photograph."""
    while True:
        triplet = _exchange(draw, draw.one_of("upper", "lower", "dress"))
        ((_, other, classes),) = triplet.garments
        model = draw.model(upper=classes[0] == "upper_clothes", rare=True)
        if model.hidden_share(other, classes[0], draw.settings.size, draw.settings.assets) >= HIDDEN:
            return replace(triplet, garments=((model, other, classes),))


def _thin(draw: _Draw) -> Triplet:
    """Exchange what is thin or wide: straps, wide hems, open fronts."""
    kind = draw.one_of("straps", "dress", "skirt", "trousers", "coat")
    person, wears, other, model = draw.model(), draw.wear(), draw.wear(dress=kind == "dress"), draw.model()
    wide = _among(bottoms.SKIRTS, ("flared", "pleated", "maxi"))
    if kind == "coat":
        piece = draw.piece(tops.COATS)
        other, truth = (_in(wear, "coat", piece) for wear in (other, wears))
        return Triplet(person, wears, ((model, other, ("coat",)),), truth)
    if kind == "dress":
        other = replace(_in(other, "bottom", draw.piece(wide)), top=replace(other.top, kind="camisole"))
        return Triplet(person, wears, ((model, other, ("dress",)),), wears.with_dress_of(other))
    if kind == "straps":
        other = _in(other, "top", draw.piece({"camisole": 1.0}))
        return Triplet(person, wears, ((model, other, ("upper_clothes",)),), wears.with_top_of(other))
    other = _in(other, "bottom", draw.piece(wide if kind == "skirt" else {"wide trousers": 1.0}))
    return Triplet(person, wears, ((model, other, (other.classes()[1],)),), wears.with_bottom_of(other))


def _in(wear: Wear, slot: str, piece: Piece) -> Wear:
    """Return an outfit with another piece, which nothing hides for being tucked in."""
    changed = replace(wear, tucked=wear.tucked and slot != "top")
    return replace(changed, **{slot: piece})  # type: ignore[arg-type]


def _among(kinds: Mapping[str, float], names: tuple[str, ...]) -> dict[str, float]:
    return {name: kinds[name] for name in names}


_SAMPLERS: dict[str, Callable[[_Draw], Triplet]] = {
    **{kind: partial(_exchange, kind=kind) for kind in ("upper", "lower", "dress", "two")},
    "hard": _hard,
    "layers": _layers,
    "undress": _undress,
    "hidden": _hidden,
    "thin": _thin,
}
