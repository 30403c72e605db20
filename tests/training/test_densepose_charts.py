"""Charts fitted to a teacher: what it sees is found again, wild errors or not."""

from pathlib import Path

import numpy as np
import pytest

from oviton.data.errors import InputError
from oviton.data.images import UInt8Array
from oviton.training.densepose_charts import ChartFit, DensePoseCharts


def true_chart(body: UInt8Array) -> UInt8Array:
    """Return DensePose's map, were its charts these."""
    u, v = body[..., 1] / 255, body[..., 2] / 255
    turned = np.stack([0.1 + 0.8 * (1 - v), 0.2 + 0.5 * u + 0.1 * u * v], axis=2)
    return np.concatenate([body[..., :1], np.rint(turned * 255).astype(np.uint8)], axis=2)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def rendered(rng: np.random.Generator) -> UInt8Array:
    parts = rng.integers(0, 25, (300, 300, 1), dtype=np.uint8)
    return np.concatenate([parts, rng.integers(0, 256, (300, 300, 2), dtype=np.uint8) * (parts > 0)], axis=2)


def test_a_chart_is_found_among_wild_values(rendered: UInt8Array, tmp_path: Path, rng: np.random.Generator) -> None:
    seen = true_chart(rendered)
    wild = rng.random(seen.shape[:2]) < 0.1
    seen[wild, 1:] = 255
    seen[:20, :, 0] = 0  # the teacher sees nobody there
    fitted = ChartFit()
    fitted.add(rendered, seen)
    charts, errors = fitted.charts()
    charts.write(tmp_path)
    found, wanted = DensePoseCharts.read(tmp_path)(rendered), true_chart(rendered)
    on_body = rendered[..., 0] > 0
    assert np.array_equal(found[..., 0], rendered[..., 0])
    assert not found[~on_body].any()
    assert np.abs(found[on_body].astype(int) - wanted[on_body]).mean() < 1.5
    assert 0.01 < errors[1:].mean() < 0.1  # the wild ones


def test_a_part_that_is_hardly_seen_is_named(rendered: UInt8Array) -> None:
    fitted = ChartFit()
    fitted.add(rendered[:100], rendered[:100])
    with pytest.raises(InputError, match=r"part 1: seen on .* pixels, 2000 are needed"):
        fitted.charts()


def test_missing_charts_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"densepose_charts\.npz: no such file; run python -m"):
        DensePoseCharts.read(tmp_path)
