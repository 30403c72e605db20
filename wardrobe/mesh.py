"""Meshes as arrays: subdivision, normals, smoothing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]


def triangles(quads: IndexArray) -> IndexArray:
    """Split quads `[Q, 4]` into triangles `[2Q, 3]`."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def subdivide(combine: sparse.csr_matrix, quads: IndexArray) -> tuple[sparse.csr_matrix, IndexArray]:
    """Split every quad into four, linearly.

    Parameters
    ----------
    combine
        How each vertex is made from base vertices, `[V, B]`.
    quads
        Vertex indices, `[Q, 4]`.

    Returns
    -------
    tuple
        The new `combine` and quads: old vertices first, then edge midpoints, then centres.
    """
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    count = combine.shape[0]
    middle = (combine[unique[:, 0]] + combine[unique[:, 1]]) * 0.5
    centre = sum(combine[quads[:, i]] for i in range(4)) * 0.25
    edge = count + inverse.reshape(-1, 4)
    hub = count + len(unique) + np.arange(len(quads))
    corners = [np.stack([quads[:, i], edge[:, i], hub, edge[:, (i + 3) % 4]], axis=1) for i in range(4)]
    return sparse.vstack([combine, middle, centre]).tocsr(), np.concatenate(corners)


def vertex_normals(points: FloatArray, faces: IndexArray) -> FloatArray:
    """Return unit normals `[V, 3]`, each the area-weighted mean of its triangles' normals."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    total = np.stack(
        [sum(np.bincount(faces[:, i], normals[:, axis], len(points)) for i in range(3)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    unit: FloatArray = total / np.maximum(length, 1e-12)
    return unit


def neighbour_average(faces: IndexArray, count: int) -> sparse.csr_matrix:
    """Return the matrix `[V, V]` that replaces each vertex by the mean of its neighbours."""
    rows = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    columns = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    both = np.concatenate([rows, columns]), np.concatenate([columns, rows])
    adjacency = sparse.csr_matrix((np.ones(len(both[0])), both), shape=(count, count))
    adjacency.data[:] = 1.0
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    lonely = degree == 0
    average = sparse.diags(1 / np.where(lonely, 1, degree)) @ adjacency + sparse.diags(lonely.astype(float))
    return average.tocsr()


@lru_cache(maxsize=8)
def disc(segments: int, rings: int) -> tuple[FloatArray, IndexArray]:
    """Return a unit grid around a circle: `[V, 2]` of (angle / 2π, radius 0…1) and closed quads `[Q, 4]`."""
    angle = np.arange(segments) / segments
    radius = np.linspace(0, 1, rings + 1)
    points = np.stack([np.tile(angle, rings + 1), np.repeat(radius, segments)], axis=1)
    first = np.arange(segments)
    second = (first + 1) % segments
    quads = [
        np.stack([first, second, second + segments, first + segments], axis=1) + ring * segments
        for ring in range(rings)
    ]
    return points, np.concatenate(quads).astype(np.int64)
