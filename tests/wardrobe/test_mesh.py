import numpy as np
from scipy import sparse

from oviton.wardrobe.mesh import neighbour_average, subdivide, triangles, vertex_normals


def grid(n):
    x, y = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0), indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1)
    corner = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    return points, np.stack([corner, corner + n + 1, corner + n + 2, corner + 1], axis=1)


def area(points, faces):
    a, b, c = (points[faces[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_subdividing_keeps_the_surface_and_makes_four_of_each_quad():
    points, quads = grid(3)
    combine, finer = subdivide(sparse.eye(len(points), format="csr"), quads)
    moved = combine @ points
    assert len(finer) == 4 * len(quads)
    assert len(moved) == 7 * 7  # a grid of twice as many squares
    assert np.isclose(area(moved, triangles(finer)), 9)
    assert len(np.unique(moved.round(6), axis=0)) == len(moved)


def test_normals_of_a_flat_sheet_point_up():
    points, quads = grid(2)
    assert np.allclose(vertex_normals(points, triangles(quads)), [0, 0, 1])


def test_neighbour_average_is_what_a_loop_finds():
    points, quads = grid(2)
    faces = triangles(quads)
    found = neighbour_average(faces, len(points)) @ points
    for v in range(len(points)):
        near = {int(w) for face in faces if v in face for w in face} - {v}
        assert np.allclose(found[v], points[sorted(near)].mean(axis=0))


def test_a_vertex_without_neighbours_stays():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]])
    assert np.allclose((neighbour_average(np.array([[0, 1, 2]]), 4) @ points)[3], 9)
