import numpy as np

from oviton.training.bent_view import BentView


def test_points_are_found_where_the_view_shows_them():
    y, x = np.mgrid[0:120, 0:80]
    photograph = np.stack([x * 3, y * 2, x + y], axis=2).astype(np.uint8)  # each colour tells its place
    view = BentView.random(120, 80, seed=3)
    seen = view.picture(photograph).astype(float)
    points = np.stack(np.meshgrid(np.arange(20, 60) + 0.5, np.arange(30, 90) + 0.5), axis=2)
    found = view.find(points)
    assert np.abs(found - points).max() > 2
    column, row = np.round(found - 0.5).astype(int).T
    near = np.abs(found - 0.5 - np.round(found - 0.5)).max(axis=2) < 0.25
    shown = seen[row.T, column.T]
    assert np.abs(shown[..., 0] / 3 + 0.5 - points[..., 0])[near].max() < 0.7
    assert np.abs(shown[..., 1] / 2 + 0.5 - points[..., 1])[near].max() < 0.7


def test_a_seed_gives_one_view():
    photograph = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    one, same, other = (BentView.random(40, 30, seed).picture(photograph) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
