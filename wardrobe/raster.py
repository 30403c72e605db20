"""A z-buffer for skinned, cut layers, compiled with Numba."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

CUTS = 4
"""How many signed distances may cut a layer; a fragment is drawn where all are positive."""

FAR = 1e9


@dataclass(frozen=True)
class Fragments:
    """What the camera sees, for every pixel.

    Parameters
    ----------
    depth
        Distance along the view axis, `[H, W]`, float64; `FAR` where nothing is.
    triangle
        Index of the nearest triangle, `[H, W]`, int64; -1 where nothing is.
    weights
        Its barycentric weights there, `[H, W, 3]`, float32.
    """

    depth: npt.NDArray[np.float64]
    triangle: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


def rasterise(
    points: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int64],
    cuts: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    height: int,
    width: int,
) -> Fragments:
    """Draw triangles.

    Parameters
    ----------
    points
        `[V, 3]`: x and y in pixels, and depth; pixel centres are at half-integers.
    faces
        `[F, 3]`.
    cuts
        Signed distances `[V, CUTS]`; interpolated along the triangle, and drawn where all are ≥ 0.
    bias
        `[F]`: how much nearer a face counts than it is, so that a jacket stays over a shirt.
    height, width
        The picture, in pixels.
    """
    depth = np.full((height, width), FAR)
    triangle = np.full((height, width), -1, np.int64)
    weights = np.zeros((height, width, 3), np.float32)
    _draw(points, faces, cuts, bias, depth, triangle, weights)
    return Fragments(depth, triangle, weights)


@numba.njit(cache=True, fastmath=True)
def _draw(points, faces, cuts, bias, depth, triangle, weights):  # type: ignore[no-untyped-def]
    height, width = depth.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = points[a, 0], points[a, 1], points[a, 2]
        bx, by, bz = points[b, 0], points[b, 1], points[b, 2]
        cx, cy, cz = points[c, 0], points[c, 1], points[c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        dead = False
        for k in range(cuts.shape[1]):
            if cuts[a, k] < 0 and cuts[b, k] < 0 and cuts[c, k] < 0:
                dead = True
                break
        if dead:
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        right = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        top = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for y in range(top, bottom + 1):
            py = y + 0.5
            for x in range(left, right + 1):
                px = x + 0.5
                w1 = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
                w2 = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
                w0 = 1 - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                z = w0 * az + w1 * bz + w2 * cz - bias[f]
                if z >= depth[y, x]:
                    continue
                inside = True
                for k in range(cuts.shape[1]):
                    if w0 * cuts[a, k] + w1 * cuts[b, k] + w2 * cuts[c, k] < 0:
                        inside = False
                        break
                if not inside:
                    continue
                depth[y, x] = z
                triangle[y, x] = f
                weights[y, x, 0] = w0
                weights[y, x, 1] = w1
                weights[y, x, 2] = w2
