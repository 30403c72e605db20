import warnings

import numpy as np
import pytest
import scipy.linalg
import torch

from oviton.evaluation import distribution_metrics
from oviton.evaluation.distribution_metrics import frechet_distance, inception_score, kernel_distance, real_inception

RNG = np.random.default_rng(0)
ONE = RNG.normal(0, 1, (60, 12)) @ RNG.normal(0, 1, (12, 12))
OTHER = RNG.normal(0.5, 2, (45, 12))


def reference_frechet(one, other):
    (m, s), (n, t) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (one, other))
    return ((m - n) ** 2).sum() + np.trace(s + t - 2 * scipy.linalg.sqrtm(s @ t).real)


class Given(torch.nn.Module):
    """What torchmetrics takes for a network; its pictures are features already."""

    num_features = 12

    def forward(self, features):
        return features


def test_frechet_distance_agrees_with_the_matrix_root():
    assert frechet_distance(ONE, OTHER) == pytest.approx(reference_frechet(ONE, OTHER))
    assert frechet_distance(ONE, ONE) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_that_of_its_definition():
    def kernel(x, y):
        return (x @ y / 12 + 1) ** 3

    def mean(one, other, *, same):
        return np.mean([kernel(x, y) for i, x in enumerate(one) for j, y in enumerate(other) if not (same and i == j)])

    wanted = mean(ONE, ONE, same=True) + mean(OTHER, OTHER, same=True) - 2 * mean(ONE, OTHER, same=False)
    assert kernel_distance(ONE, OTHER) == pytest.approx(wanted)
    halves = RNG.normal(0, 1, (2, 400, 12))
    assert abs(kernel_distance(*halves)) < 0.05  # two samples of one distribution


def test_frechet_distance_agrees_with_torchmetrics():
    fid = pytest.importorskip("torchmetrics.image.fid").FrechetInceptionDistance(feature=Given())
    fid.update(torch.from_numpy(OTHER), real=True)
    fid.update(torch.from_numpy(ONE), real=False)
    assert frechet_distance(ONE, OTHER) == pytest.approx(float(fid.compute()), rel=1e-6)


def test_fewer_pictures_than_features_is_exact():
    """The covariances have no full rank; the distance must not depend on how a root of them is rounded."""
    one, other = RNG.normal(0, 1, (8, 200)), RNG.normal(0, 1, (9, 200))
    # In the span of all pictures the same numbers are a well-posed problem of few dimensions.
    basis = np.linalg.svd(np.concatenate([one, other]), full_matrices=False)[2]
    expected = frechet_distance(one @ basis.T, other @ basis.T)
    assert frechet_distance(one, other) == pytest.approx(expected)
    assert frechet_distance(one[:, :5], other[:, :5]) == pytest.approx(reference_frechet(one[:, :5], other[:, :5]))


@pytest.mark.parametrize("groups", [1, 5])
def test_inception_score_agrees_with_torchmetrics(groups, monkeypatch):
    logits = RNG.normal(0, 2, (50, 30))
    module = pytest.importorskip("torchmetrics.image.inception")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = module.InceptionScore(feature=Given(), splits=groups)
    order = np.random.default_rng(0).permutation(50)  # both shuffle: let it be the same way
    monkeypatch.setattr(torch, "randperm", lambda n: torch.from_numpy(order))
    score.update(torch.from_numpy(logits))
    assert inception_score(logits, groups=groups) == pytest.approx(float(score.compute()[0]))


def test_inception_score_knows_its_bounds():
    sure = np.eye(40) * 100
    assert inception_score(sure, groups=1) == pytest.approx(40)  # every picture another class, no doubt
    assert inception_score(np.zeros((40, 10))) == pytest.approx(1)
    assert np.isfinite(inception_score(np.array([[1e4, -1e4], [1e4, -1e4]])))


def test_real_inception_says_why_it_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr(distribution_metrics, "is_installed", lambda module: module != "torch_fidelity")
    assert real_inception() == (None, "torch-fidelity is not installed")
    monkeypatch.setattr(distribution_metrics, "is_installed", lambda module: True)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    extract, reason = real_inception()
    assert extract is None
    assert str(tmp_path) in reason
