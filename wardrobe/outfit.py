"""What somebody wears: garments as small specifications that can be exchanged between people."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .body import Figure
from .fabric import HARD_KINDS, HARD_KINDS_BELOW, REPEATING_KINDS, Fabric, sample_fabric
from .garments import accessories, bottoms, footwear, tops
from .garments.garment import DrapedGarment
from .makehuman import PREFIX, SUIT_SKIRTS, MakeHumanAssets
from .seeds import draw_kind, draw_seed

PLAIN_SHARE_BELOW = 0.55
"""How much of trousers and skirts is plain or woven rather than printed."""

SKIRT_KINDS = (*bottoms.SKIRTS, *(f"{PREFIX}{name}" for name in SUIT_SKIRTS))

MAKEHUMAN_SHARE = 0.4
"""How much of tops, bottoms and shoes comes from MakeHuman's assets where there are any."""

SOLID_KINDS = ("plain", "melange", "denim", "knit")


@dataclass(frozen=True)
class Piece:
    """One garment.

    Parameters
    ----------
    kind
        Its cut, one of its module's kinds.
    seed
        Everything about it that `kind` leaves open, and its fabric.
    fabrics
        Kinds of fabric to draw from; all when empty.
    held_out
        Whether its fabric comes from those kept for evaluation.
    """

    kind: str
    seed: int
    fabrics: tuple[str, ...] = ()
    held_out: bool = False

    def fabric(self) -> Fabric:
        """Return what it is made of."""
        rng = np.random.default_rng([self.seed, 1])
        return sample_fabric(rng, held_out=self.held_out, kinds=self.fabrics or None)

    def rng(self) -> np.random.Generator:
        """Return the randomness of its cut."""
        return np.random.default_rng([self.seed, 0])


@dataclass(frozen=True)
class Wear:
    """An outfit.

    Parameters
    ----------
    top, dress, bottom, coat, shoes, socks, hat, scarf, sunglasses, gloves
        Pieces, or None. With a dress, `top` is its bodice and `bottom` its skirt.
    dress
        Whether `top` and `bottom` are one dress.
    tucked
        Whether the top is worn inside the bottom.
    """

    top: Piece
    bottom: Piece
    dress: bool = False
    tucked: bool = False
    coat: Piece | None = None
    shoes: Piece | None = None
    socks: Piece | None = None
    hat: Piece | None = None
    scarf: Piece | None = None
    sunglasses: Piece | None = None
    gloves: Piece | None = None

    def classes(self) -> tuple[str, ...]:
        """Return the CIHP names of dress, top and bottom."""
        if self.dress:
            return ("dress",)
        return ("upper_clothes", "skirt" if self.bottom.kind in SKIRT_KINDS else "pants")

    def with_top_of(self, other: Wear) -> Wear:
        """Return the outfit in another's top, worn as the other wears it."""
        return dataclasses.replace(self, top=other.top, tucked=other.tucked)

    def with_bottom_of(self, other: Wear) -> Wear:
        """Return the outfit in another's trousers or skirt."""
        return dataclasses.replace(self, bottom=other.bottom)

    def with_dress_of(self, other: Wear) -> Wear:
        """Return the outfit in another's dress, or in another's top and bottom instead of a dress."""
        return dataclasses.replace(self, top=other.top, bottom=other.bottom, dress=other.dress, tucked=other.tucked)

    def drape(self, figure: Figure, assets: MakeHumanAssets | None = None) -> list[DrapedGarment]:
        """Return the garments on a figure, from the skin outwards; `assets` are needed if any piece is from them."""
        worn: list[DrapedGarment] = []

        def from_assets(slot: str, piece: Piece) -> bool:
            if not piece.kind.startswith(PREFIX):
                return False
            assert assets is not None
            worn.append(assets.drape(slot, piece.kind, figure, piece.fabric()))
            return True

        if self.socks:
            worn.append(footwear.socks(self.socks.rng(), figure, self.socks.fabric(), self.socks.kind))
        if self.shoes and not from_assets("shoes", self.shoes):
            # Boots go under trousers, where only their feet are seen.
            hidden = self.shoes.kind == "boots" and self.bottom.kind in bottoms.LONG_TROUSERS and not self.dress
            worn.append(footwear.shoes(self.shoes.rng(), figure, "ankle boots" if hidden else self.shoes.kind))
        if self.dress:
            fabric = self.top.fabric()
            kind = self.bottom.kind
            worn.append(bottoms.skirt(self.bottom.rng(), figure, fabric, kind, over=False, dress=True))
            worn.append(tops.bodice(self.top.rng(), figure, fabric, self.top.kind))
        else:
            below = bottoms.skirt if self.bottom.kind in bottoms.SKIRTS else bottoms.trousers
            if not from_assets("bottom", self.bottom):
                fabric = self.bottom.fabric()
                worn.append(below(self.bottom.rng(), figure, fabric, self.bottom.kind, over=self.tucked))
            if not from_assets("top", self.top):
                skirt = self.bottom.kind in bottoms.SKIRTS
                piece = self.top
                worn.append(
                    tops.top(
                        piece.rng(),
                        figure,
                        piece.fabric(),
                        piece.kind,
                        tucked=self.tucked,
                        over_skirt=skirt,
                        under_coat=self.coat is not None,
                    )
                )
        if self.coat:
            worn.append(tops.coat(self.coat.rng(), figure, self.coat.fabric(), self.coat.kind))
        if self.scarf:
            worn.append(accessories.scarf(self.scarf.rng(), figure, self.scarf.fabric()))
        if self.hat:
            worn.append(accessories.hat(self.hat.rng(), figure, self.hat.fabric(), self.hat.kind))
        if self.sunglasses:
            worn.append(accessories.sunglasses(self.sunglasses.rng(), figure))
        if self.gloves:
            worn.append(accessories.gloves(self.gloves.rng(), figure, self.gloves.fabric()))
        return worn


@dataclass(frozen=True)
class Taste:
    """What `sample_wear` draws from.

    Parameters
    ----------
    held_out
        Fabrics kept for evaluation.
    hard
        Unusual silhouettes and complex prints only.
    dress
        Whether it must be (True) or must not be (False) a dress.
    coats
        Share of coats and jackets.
    assets
        Slots and the kinds that MakeHuman's assets have for them.
    """

    held_out: bool = False
    hard: bool = False
    dress: bool | None = None
    coats: float = 0.14
    assets: tuple[tuple[str, tuple[str, ...]], ...] = ()


def sample_piece(
    rng: np.random.Generator, kinds: Mapping[str, float], fabrics: tuple[str, ...] = (), *, held_out: bool = False
) -> Piece:
    """Draw a garment of one of some kinds, which have weights."""
    kind = draw_kind(rng, kinds)
    return Piece(kind, draw_seed(rng, held_out=held_out), fabrics, held_out)


def sample_wear(rng: np.random.Generator, taste: Taste = Taste()) -> Wear:
    """Draw an outfit."""

    def piece(kinds: Mapping[str, float], fabrics: tuple[str, ...] = ()) -> Piece:
        return sample_piece(rng, kinds, fabrics, held_out=taste.held_out)

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    printed = HARD_KINDS if taste.hard else ()
    below = HARD_KINDS_BELOW if taste.hard else SOLID_KINDS if chance(PLAIN_SHARE_BELOW) else REPEATING_KINDS
    dress = chance(0.16) if taste.dress is None else taste.dress
    rare_tops = dict.fromkeys(tops.HARD_TOPS, 1.0) if taste.hard else tops.TOPS
    if dress:
        top, bottom = piece(tops.DRESS_BODICES, printed), piece(bottoms.SKIRTS)
    else:
        lower = bottoms.SKIRTS if chance(0.25) else bottoms.TROUSERS
        if taste.hard:
            lower = dict.fromkeys(bottoms.HARD_BOTTOMS, 1.0)
        top, bottom = piece(rare_tops, printed), piece(lower, below)
        if bottom.kind == "jeans":
            bottom = dataclasses.replace(bottom, fabrics=("denim",))
    solid_or_all = SOLID_KINDS if chance(0.7) else ()
    wear = Wear(
        top,
        bottom,
        dress=dress,
        tucked=bool(not dress and top.kind not in ("crop top", "tunic", "sweater") and chance(0.3)),
        coat=piece(tops.COATS, solid_or_all) if chance(taste.coats) else None,
        shoes=piece(footwear.SHOES) if chance(0.93) else None,
        socks=piece(footwear.SOCKS, REPEATING_KINDS) if chance(0.3) else None,
        hat=piece(accessories.HATS, SOLID_KINDS) if chance(0.1) else None,
        scarf=piece({"scarf": 1.0}, REPEATING_KINDS) if chance(0.06) else None,
        sunglasses=piece({"sunglasses": 1.0}) if chance(0.05) else None,
        gloves=piece({"gloves": 1.0}, SOLID_KINDS) if chance(0.02) else None,
    )
    # MakeHuman's cuts are ordinary ones, so they would spoil the hard split.
    return _with_assets(rng, wear, dict(taste.assets)) if taste.assets and not taste.hard else wear


def _with_assets(rng: np.random.Generator, wear: Wear, kinds: dict[str, tuple[str, ...]]) -> Wear:
    """Exchange some pieces for MakeHuman's, in the fabrics that they have."""
    changes: dict[str, Piece] = {}
    for slot in ("top", "bottom", "shoes"):
        piece: Piece | None = getattr(wear, slot)
        fits = piece is not None and (slot == "shoes" or not wear.dress)
        if piece is not None and fits and kinds.get(slot) and rng.random() < MAKEHUMAN_SHARE:
            fabrics = SOLID_KINDS if slot == "shoes" else piece.fabrics
            changes[slot] = dataclasses.replace(piece, kind=str(rng.choice(kinds[slot])), fabrics=fabrics)
    return dataclasses.replace(wear, **changes)  # type: ignore[arg-type]
