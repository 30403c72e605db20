import numpy as np
import pytest

from oviton.wardrobe.raster import CUTS, FAR, rasterise


def naive(points, faces, cuts, bias, height, width):
    """Every pixel against every triangle, by solving for its barycentric weights."""
    depth = np.full((height, width), FAR)
    owner = np.full((height, width), -1)
    for f, face in enumerate(faces):
        corners = points[face]
        system = np.stack([corners[:, 0], corners[:, 1], np.ones(3)])
        if abs(np.linalg.det(system)) < 1e-9:
            continue
        for y in range(height):
            for x in range(width):
                w = np.linalg.solve(system, [x + 0.5, y + 0.5, 1])
                if (w < 0).any() or (w @ cuts[face] < 0).any():
                    continue
                z = w @ corners[:, 2] - bias[f]
                if z < depth[y, x]:
                    depth[y, x], owner[y, x] = z, f
    return depth, owner


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_a_naive_rasteriser(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-3, 19, (12, 3))
    faces = np.stack([rng.permutation(12)[:3] for _ in range(9)])
    cuts = rng.uniform(-0.6, 1, (12, CUTS)).astype(np.float32)
    bias = rng.uniform(0, 2, 9).astype(np.float32)
    seen = rasterise(points, faces, cuts, bias, 16, 14)
    depth, owner = naive(points, faces, cuts, bias, 16, 14)
    assert np.array_equal(seen.triangle, owner)
    assert np.allclose(seen.depth, depth, atol=1e-5)
    shown = seen.triangle >= 0
    assert shown.any()
    assert np.allclose(seen.weights[shown].sum(axis=1), 1, atol=1e-5)


def test_triangles_without_area_or_outside_are_not_drawn():
    points = np.array([[1.0, 1, 0], [5, 5, 0], [9, 9, 0], [50, 50, 0], [60, 50, 0], [50, 60, 0]])
    cuts = np.ones((6, CUTS), np.float32)
    seen = rasterise(points, np.array([[0, 1, 2], [3, 4, 5]]), cuts, np.zeros(2, np.float32), 10, 10)
    assert (seen.triangle == -1).all()
    assert (seen.depth == FAR).all()
