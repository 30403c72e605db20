"""MakeHuman clothes and shoes, read from a folder that the user has; the project ships none of them.

A ``.mhclo`` file ties each vertex of a garment to three vertices of the base mesh and an offset, so it fits any body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..data.classes import CLASS_IDS
from ..data.errors import InputError
from .body import Figure, Sheet, body_model
from .cloth import painted
from .fabric import Fabric
from .garments.garment import DrapedGarment
from .layer import Layer, Paint, one_label, sided_labels, stack_cuts
from .mesh import FloatArray, IndexArray, triangles

PREFIX = "makehuman/"
"""Begins the kind of a piece that comes from these assets."""

SUIT_SKIRTS = ("female_elegantsuit01",)
"""Suits that come with a skirt instead of trousers."""

_DECIMETRE = 0.1
_AXES = {"x": 0, "y": 2, "z": 1}
"""MakeHuman's y is up and z to the front."""

_WAIST = 0.1
_SLOTS = {
    "upper_clothes": ("top", 0.018),
    "pants": ("bottom", 0.010),
    "skirt": ("bottom", 0.010),
    "shoes": ("shoes", 0.008),
}


@dataclass(frozen=True)
class Asset:
    """One garment.

    Parameters
    ----------
    name
        The folder's name.
    what
        Key of `_SLOTS`: what it is.
    sheet
        Its surface.
    offsets
        Of its vertices from the mixture of base vertices, `[V, 3]`, in `_scale` units.
    scales
        For each axis two base vertices and their distance in the file's units.
    hides
        Base vertices that it hides.
    """

    name: str
    what: str
    sheet: Sheet
    offsets: FloatArray
    scales: tuple[tuple[int, int, int, float], ...]
    hides: IndexArray

    def drape(self, figure: Figure, paint: Paint) -> DrapedGarment:
        """Return it on a figure."""
        rest = np.asarray(self.sheet.combine @ figure.rest) + self.offsets * _scale(self.scales, figure.rest)
        points = figure.pose(rest, self.sheet.weights)
        label = (
            sided_labels(CLASS_IDS["left_shoe"], CLASS_IDS["right_shoe"])
            if self.what == "shoes"
            else one_label(CLASS_IDS[self.what])
        )
        cuts = stack_cuts(self.sheet.anatomy, ())
        layer = Layer(points, self.sheet.faces, self.sheet.anatomy, cuts, _SLOTS[self.what][1], label, paint)
        return DrapedGarment((layer,), hides=self.hides)


@dataclass(frozen=True)
class MakeHumanAssets:
    """All assets of a folder, by slot: ``top``, ``bottom``, ``shoes``."""

    by_slot: dict[str, dict[str, Asset]]

    def kinds(self, slot: str) -> tuple[str, ...]:
        """Return the kinds of pieces that there are for a slot."""
        return tuple(f"{PREFIX}{name}" for name in self.by_slot.get(slot, ()))

    def drape(self, slot: str, kind: str, figure: Figure, fabric: Fabric) -> DrapedGarment:
        """Return a piece on a figure."""
        asset = self.by_slot[slot][kind.removeprefix(PREFIX)]
        paint = painted(fabric, trousers=asset.what == "pants", skirt=asset.what == "skirt")
        return asset.drape(figure, paint)


@cache
def load_assets(folder: Path) -> MakeHumanAssets:
    """Read every asset under a folder.

    Raises
    ------
    InputError
        When there are none, or a file cannot be read.
    """
    files = _files(folder)
    by_slot: dict[str, dict[str, Asset]] = {}
    for file in files:
        try:
            for asset in _read(file):
                by_slot.setdefault(_SLOTS[asset.what][0], {})[asset.name] = asset
        except (OSError, ValueError, IndexError) as error:
            raise InputError(f"{file}: not a MakeHuman garment ({error})") from None
    return MakeHumanAssets(by_slot)


def fingerprint(folder: Path) -> str:
    """Return a hash of the assets, so that a wardrobe knows what it was made of."""
    digest = hashlib.sha256()
    for file in _files(folder):
        for part in sorted((file, *file.parent.glob("*.obj"))):
            digest.update(part.name.encode() + part.read_bytes())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"--makehuman-assets {folder}: no such folder")
    # Of variants of one garment, the first is enough.
    found = {file.parent: file for file in sorted(folder.rglob("*.mhclo"), reverse=True)}
    if not found:
        raise InputError(f"--makehuman-assets {folder}: no .mhclo file in it; give a clone of MakeHuman's assets")
    return sorted(found.values())


def _read(file: Path) -> list[Asset]:
    rows, offsets, scales, hidden, mesh = _parse(file.read_text(encoding="utf-8", errors="replace").splitlines())
    base = body_model()
    indices, shares = np.array([r[:3] for r in rows], int), np.array([r[3:] for r in rows], float)
    count = len(rows)
    combine = sparse.csr_matrix(
        (shares.ravel(), (np.repeat(np.arange(count), 3), indices.ravel())), shape=(count, len(base.neutral))
    )
    faces = _faces(file.parent / mesh)
    sheet = base.combined(combine, faces)
    weights = sheet.weights / np.maximum(sheet.weights.sum(axis=1, keepdims=True), 1e-6)
    neutral = np.asarray(combine @ base.neutral) + np.array(offsets) * _scale(scales, base.neutral)
    sheet.anatomy.values[:, :3] = neutral
    sheet = Sheet(combine, faces, sheet.anatomy, weights)
    hides = np.array(sorted(hidden), np.int64)
    name = file.parent.name

    def asset(what: str, rows: npt.NDArray[np.bool_] | None = None, hidden: IndexArray = hides) -> Asset:
        part = sheet if rows is None else Sheet(combine, faces[rows], sheet.anatomy, weights)
        return Asset(name, what, part, np.array(offsets), tuple(scales), hidden)

    if name.startswith("shoes"):
        return [asset("shoes")]
    if "suit" not in name:
        return []  # hair, hats: the wardrobe has its own
    return _split_suit(name, neutral, faces, hides, asset)


def _split_suit(
    name: str, neutral: FloatArray, faces: IndexArray, hides: IndexArray, asset: Callable[..., Asset]
) -> list[Asset]:
    """Part a suit into top and bottom by its connected pieces; one-piece suits cannot be parted and are left out."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = sparse.csr_matrix((np.ones(len(edges)), tuple(edges.T)), shape=(len(neutral), len(neutral)))
    pieces, piece = connected_components(graph, directed=False)
    highest = np.array([neutral[piece == k, 2].max() for k in range(pieces)])
    lowest = np.array([neutral[piece == k, 2].min() for k in range(pieces)])
    if ((highest > 0.3) & (lowest < -0.5)).any():
        return []
    upper = (highest > 0.2)[piece[faces[:, 0]]]
    height = body_model().neutral[hides, 2] if len(hides) else np.zeros(0)
    found = [asset("upper_clothes", upper, hides[height >= _WAIST])]
    if (~upper).any():
        lower = "skirt" if name in SUIT_SKIRTS else "pants"
        found.append(asset(lower, ~upper, hides[height < _WAIST]))
    return found


def _parse(
    lines: Sequence[str],
) -> tuple[list[list[float]], list[list[float]], list[tuple[int, int, int, float]], set[int], str]:
    """Return vertex ties, offsets, scales, hidden vertices and the mesh's file name."""
    rows: list[list[float]] = []
    offsets: list[list[float]] = []
    scales: list[tuple[int, int, int, float]] = []
    hidden: set[int] = set()
    mesh, section = "", ""
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "obj_file":
            mesh = words[1]
        elif words[0] in ("x_scale", "y_scale", "z_scale"):
            scales.append((_AXES[words[0][0]], int(words[1]), int(words[2]), float(words[3])))
        elif words[0] in ("verts", "delete_verts"):
            section = words[0]
        elif section == "verts" and words[0].lstrip("-").isdigit():
            if len(words) == 1:
                rows.append([int(words[0])] * 3 + [1.0, 0.0, 0.0])
                offsets.append([0.0, 0.0, 0.0])
            else:
                numbers = [float(word) for word in words[:9]]
                rows.append(numbers[:6])
                offsets.append([numbers[6], -numbers[8], numbers[7]])
        elif section == "delete_verts" and words[0].isdigit():
            hidden |= _ranges(words)
        elif rows:
            section = ""
    return rows, offsets, scales, hidden, mesh


def _ranges(words: Sequence[str]) -> set[int]:
    """Return the numbers of a list such as ``3 - 7 9``."""
    found: set[int] = set()
    i = 0
    while i < len(words):
        if i + 2 < len(words) and words[i + 1] == "-":
            found |= set(range(int(words[i]), int(words[i + 2]) + 1))
            i += 3
        else:
            found.add(int(words[i]))
            i += 1
    return found


def _scale(scales: Sequence[tuple[int, int, int, float]], points: FloatArray) -> FloatArray:
    """Return how large a unit of the file is on a body, along each axis, `[3]`, metres."""
    found = np.full(3, _DECIMETRE)
    for axis, a, b, distance in scales:
        found[axis] = abs(points[a, axis] - points[b, axis]) / distance
    return found


def _faces(file: Path) -> IndexArray:
    quads = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line.split()[1:]]
            quads.append(corners if len(corners) == 4 else [*corners, corners[-1]])
    faces = triangles(np.array(quads, np.int64))
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    return faces[proper]
