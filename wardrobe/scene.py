"""From layers to a picture: rasterise, paint, light, and write down what every pixel is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, uniform_filter

from ..data.images import UInt8Array
from .anatomy import Anatomy
from .backdrop import Backdrop
from .camera import Camera
from .charts import body_map
from .layer import Layer, Surface
from .mesh import FloatArray, vertex_normals
from .raster import Fragments, rasterise

SAMPLES = 3
"""Colour samples a pixel and axis; odd, so that the middle one lies at the pixel's centre and gives its label."""

_ROUGH = 0.25
"""How strongly occlusion darkens."""


@dataclass(frozen=True)
class Light:
    """How a scene is lit.

    Parameters
    ----------
    direction
        Towards the key light, `[3]`; x to the picture's right, y away from the camera, z up.
    key, fill
        Strengths of key light and of light from everywhere.
    tint
        Colour of the light `[3]`, about 1.
    noise
        Standard deviation of the camera's noise, in [0, 1].
    """

    direction: FloatArray
    key: float
    fill: float
    tint: FloatArray
    noise: float


@dataclass(frozen=True)
class Photograph:
    """A rendered person with exact annotations.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8.
    labels
        CIHP labels `[H, W]`, uint8.
    densepose
        Part, U and V `[H, W, 3]`, uint8.
    """

    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array


_BEHIND = 0.012
"""A point so much behind what is seen at its pixel, metres, is seen itself: surfaces are slanted, pixels wide."""


def sample_light(rng: np.random.Generator) -> Light:
    """Draw studio or daylight."""
    direction = np.array([rng.normal(0, 0.6), -1.0, 0.35 + abs(rng.normal(0, 0.5))])
    key = float(rng.uniform(0.3, 0.65))
    warmth = rng.normal(0, 0.02)
    return Light(
        direction / np.linalg.norm(direction),
        key,
        1.02 - 0.75 * key,
        np.array([1 + warmth, 1.0, 1 - warmth]) * rng.uniform(0.92, 1.06),
        float(rng.uniform(0.0, 0.012)),
    )


def photograph(
    layers: Sequence[Layer],
    skin: int,
    camera: Camera,
    light: Light,
    backdrop: Backdrop,
    seed: int,
    size: tuple[int, int],
    window: tuple[float, float] = (0.0, 1.0),
) -> Photograph:
    """Photograph layers.

    Parameters
    ----------
    layers
        The surfaces to draw: the body and its clothes.
    skin
        Index of the layer that is the body; it alone gives the body map.
    camera, light, backdrop
        The studio.
    seed
        Seed of the camera's noise.
    size
        Height and width, pixels.
    window
        Rows that belong to the photograph, as shares of the height; beyond them its border is repeated.
    """
    height, width = size
    fine = (height * SAMPLES, width * SAMPLES)
    scene = _Scene(layers)
    seen = rasterise(camera.project(scene.points, *fine), scene.faces, scene.cuts, scene.bias, *fine)
    picture = _shade(scene, seen, camera, light, backdrop)
    picture = picture.reshape(height, SAMPLES, width, SAMPLES, 3).mean(axis=(1, 3))
    noise = np.random.default_rng(seed).normal(0, 1, picture.shape).astype(np.float32)
    image = np.clip((picture + light.noise * noise) * 255 + 0.5, 0, 255).astype(np.uint8)

    first, last = round(window[0] * height), round(window[1] * height)
    image[:first], image[last:] = image[first], image[last - 1]
    middle = slice(SAMPLES // 2, None, SAMPLES)
    labels = scene.labels(seen.triangle[middle, middle], seen.weights[middle, middle])
    densepose = _densepose(layers[skin], camera, size)
    for annotation in (labels, densepose):
        annotation[:first], annotation[last:] = 0, 0
    return Photograph(image, labels, densepose)


def segment(
    layers: Sequence[Layer], camera: Camera, size: tuple[int, int], window: tuple[float, float] = (0.0, 1.0)
) -> UInt8Array:
    """Return only the labels that `photograph` would give, in a fraction of its time."""
    height, width = size
    scene = _Scene(layers)
    seen = rasterise(camera.project(scene.points, height, width), scene.faces, scene.cuts, scene.bias, height, width)
    labels = scene.labels(seen.triangle, seen.weights)
    labels[: round(window[0] * height)], labels[round(window[1] * height) :] = 0, 0
    return labels


@dataclass(frozen=True)
class Correspondence:
    """Where the points of one photograph lie in another, of somebody else in the same outfit.

    Parameters
    ----------
    places
        Column and row in the other photograph, in pixels, float32 `[H, W, 2]`; pixel centres are at half-integers, and
        a point may lie beyond the border. 0 where `known` is 0.
    known
        2 where the other photograph shows the point, 1 where something hides it there or it lies beyond the border, 0
        where there is none: background and hair; uint8 `[H, W]`.
    """

    places: npt.NDArray[np.float32]
    known: UInt8Array


def correspond(
    layers: Sequence[Layer],
    camera: Camera,
    others: Sequence[Layer],
    other_camera: Camera,
    shared: int,
    size: tuple[int, int],
    windows: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0)),
) -> Correspondence:
    """Return where the points of one photograph lie in another.

    Parameters
    ----------
    layers, others
        The surfaces in each; of the first `shared` ones, the other photograph has the same with the same triangles.
    camera, other_camera
        What takes them.
    shared
        How many layers both have.
    size
        Height and width of both, pixels.
    windows
        Rows that belong to each, as for `photograph`.
    """
    height, width = size
    here, there = _Scene(layers), _Scene(others)
    seen = rasterise(camera.project(here.points, *size), here.faces, here.cuts, here.bias, *size)
    around = rasterise(other_camera.project(there.points, *size), there.faces, there.cuts, there.bias, *size)
    faces = sum(len(layer.faces) for layer in layers[:shared])
    if not np.array_equal(here.faces[:faces], there.faces[:faces]):
        raise ValueError("the two photographs do not show the same surfaces")
    first, last = (round(share * height) for share in windows[0])
    found = (seen.triangle >= 0) & (seen.triangle < faces)
    found[:first], found[last:] = False, False
    hit, mix = seen.triangle[found], seen.weights[found].astype(np.float64)
    points = np.einsum("nk,nkc->nc", mix, there.points[there.faces[hit]])
    x, y, depth = other_camera.project(points, *size).T
    first, last = (round(share * height) for share in windows[1])
    inside = (x >= 0) & (x < width) & (y >= first) & (y < last)
    row, column = (np.clip(values.astype(int), 0, limit - 1) for values, limit in ((y, height), (x, width)))
    shown = inside & (depth - there.bias[hit] <= around.depth[row, column] + _BEHIND)
    places, known = np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.uint8)
    places[found], known[found] = np.stack([x, y], axis=1), 1 + shown
    return Correspondence(places, known)


def _densepose(body: Layer, camera: Camera, size: tuple[int, int]) -> UInt8Array:
    height, width = size
    bare = rasterise(
        camera.project(body.points, height, width),
        body.faces,
        np.ones_like(body.cuts),
        np.zeros(len(body.faces), np.float32),
        height,
        width,
    )
    shown = bare.triangle >= 0
    densepose = np.zeros((height, width, 3), np.uint8)
    densepose[shown] = body_map(_interpolate(body.anatomy, body.faces, bare.triangle[shown], bare.weights[shown]))
    return densepose


class _Scene:
    """All layers as one mesh."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        offsets = np.cumsum([0, *(len(layer.points) for layer in layers)])
        self.points = np.concatenate([layer.points for layer in layers])
        self.faces = np.concatenate([layer.faces + start for layer, start in zip(layers, offsets, strict=False)])
        self.cuts = np.concatenate([layer.cuts for layer in layers]).astype(np.float32)
        self.bias = np.concatenate([np.full(len(layer.faces), layer.bias, np.float32) for layer in layers])
        self.owner = np.concatenate([np.full(len(layer.faces), i) for i, layer in enumerate(layers)])
        self.anatomy = Anatomy(np.concatenate([layer.anatomy.values for layer in layers]))

    def labels(self, triangle: npt.NDArray[np.int64], weights: npt.NDArray[np.float32]) -> UInt8Array:
        """Return the label of every pixel, `[H, W]`; background where nothing is."""
        found = np.zeros(triangle.shape, np.uint8)
        shown = triangle >= 0
        hit, mix = triangle[shown], weights[shown]
        anatomy = _interpolate(self.anatomy, self.faces, hit, mix)
        owner = self.owner[hit]
        values = np.zeros(len(hit), np.uint8)
        for i in np.unique(owner):
            rows = owner == i
            values[rows] = self.layers[i].labels(anatomy[rows])
        found[shown] = values
        return found


def _shade(scene: _Scene, seen: Fragments, camera: Camera, light: Light, backdrop: Backdrop) -> npt.NDArray[np.float32]:
    height, width = seen.triangle.shape
    shown = seen.triangle >= 0
    hit, mix = seen.triangle[shown], seen.weights[shown]
    corners = scene.faces[hit]
    normals = np.concatenate([vertex_normals(layer.points, layer.faces) for layer in scene.layers]).astype(np.float32)
    normal = np.einsum("nk,nkc->nc", mix, normals[corners])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    normal *= np.where(normal[:, 1:2] > 0, -1, 1)  # what is seen faces the camera, also the inside of a skirt
    anatomy = _interpolate(scene.anatomy, scene.faces, hit, mix)
    margin = np.einsum("nk,nkc->nc", mix, scene.cuts[corners]).min(axis=1)
    owner = scene.owner[hit]
    albedo = np.empty((len(hit), 3), np.float32)
    gloss = np.empty(len(hit), np.float32)
    for i in np.unique(owner):
        rows = owner == i
        albedo[rows] = scene.layers[i].paint(Surface(anatomy[rows], margin[rows]))
        gloss[rows] = scene.layers[i].gloss
    direction = light.direction.astype(np.float32)
    lambert = np.clip(normal @ direction * 0.75 + 0.25, 0, 1)  # wrapped, as skin and cloth scatter light
    half = direction + np.array([0, -1, 0], np.float32)
    half /= np.linalg.norm(half)
    highlight = gloss * np.clip(normal @ half, 0, 1) ** 24 * 0.5
    facing = 0.9 + 0.1 * -normal[:, 1]  # cloth darkens a little at its edges
    lit = albedo * ((light.key * lambert + light.fill * (0.92 + 0.08 * normal[:, 2])) * facing)[:, None]
    lit = (lit + highlight[:, None]) * light.tint.astype(np.float32)

    picture = backdrop.render(height, width) * light.tint.astype(np.float32)
    picture *= (1 - _ground_shadow(scene, camera, height, width))[..., None]
    picture[shown] = lit * (1 - _occlusion(seen, height)[shown])[:, None]
    return np.clip(picture, 0, 1).astype(np.float32)


def _occlusion(seen: Fragments, height: int) -> npt.NDArray[np.float32]:
    """Darken what lies behind its surroundings: a cheap ambient occlusion, `[H, W]`."""
    shown = seen.triangle >= 0
    far = seen.depth[shown].max() if shown.any() else 0.0
    depth = np.where(shown, seen.depth, far).astype(np.float32)
    dark = np.zeros(depth.shape, np.float32)
    for share, strength in ((0.006, 5.0), (0.02, 2.5)):
        around = uniform_filter(uniform_filter(depth, int(share * height) | 1), int(share * height) | 1)
        dark += np.clip((depth - around) * strength, 0, _ROUGH)
    return np.minimum(dark, 0.4)


def _ground_shadow(scene: _Scene, camera: Camera, height: int, width: int) -> npt.NDArray[np.float32]:
    """Return a soft shadow around the feet, `[H, W]`."""
    lowest = scene.points[:, 2].min()
    feet = scene.points[scene.points[:, 2] < lowest + 0.04]
    projected = camera.project(feet, height, width)
    shadow = np.zeros((height // SAMPLES, width // SAMPLES), np.float32)
    rows = (projected[:, 1] / SAMPLES).astype(int)
    columns = (projected[:, 0] / SAMPLES).astype(int)
    inside = (rows >= 0) & (rows < shadow.shape[0]) & (columns >= 0) & (columns < shadow.shape[1])
    if not inside.any():
        return np.zeros((height, width), np.float32)
    shadow[rows[inside], columns[inside]] = 1
    size = shadow.shape[0] / 256
    shadow = gaussian_filter(shadow, (2.0 * size, 5.0 * size))
    shadow *= 0.4 / max(float(shadow.max()), 1e-6)
    return np.repeat(np.repeat(shadow, SAMPLES, axis=0), SAMPLES, axis=1)


def _interpolate(
    anatomy: Anatomy,
    faces: npt.NDArray[np.int64],
    triangle: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
) -> Anatomy:
    return Anatomy(np.einsum("nk,nkc->nc", weights, anatomy.values[faces[triangle]]).astype(np.float32))
