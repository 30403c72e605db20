"""How alike two sets of pictures are as a whole: Fréchet and kernel distance, Inception Score, over any features.

By hand: torchmetrics takes the root of a D×D product, which takes a hundred times as long and is not exact for fewer
pictures than features, and shuffles for the score with the global generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..data.images import UInt8Array
from ..data.optional import is_installed, version_of

Features = npt.NDArray[np.float64]

_GROUPS = 10
"""The Inception Score is the mean over so many groups of pictures."""

_INCEPTION_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"


@dataclass(frozen=True)
class DistributionScores:
    """One method's scores.

    Parameters
    ----------
    frechet
        Fréchet distance to the true pictures.
    inception_score
        Inception Score.
    """

    frechet: float
    inception_score: float


@dataclass
class FeatureCollection:
    """Features of one method's pictures, gathered picture by picture.

    Parameters
    ----------
    pooled, logits
        Vectors `[D]` and `[classes]`, one a picture.
    """

    pooled: list[Features] = field(default_factory=list)
    logits: list[Features] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.pooled)

    def add(self, pooled: Tensor, logits: Tensor) -> None:
        """Take the features of one picture."""
        self.pooled.append(pooled.double().numpy())
        self.logits.append(logits.double().numpy())

    def scores(self, truth: FeatureCollection) -> DistributionScores:
        """Compare with the true pictures' features; at least two pictures."""
        return DistributionScores(
            frechet_distance(np.stack(self.pooled), np.stack(truth.pooled)), inception_score(np.stack(self.logits))
        )


def frechet_distance(features: Features, true_features: Features) -> float:
    """Return the Fréchet distance of two sets of features `[n, D]`, each taken as a normal distribution.

    The trace of the root of the covariances' product is the sum of the singular values of an n×n matrix, so it takes
    no D×D root, which for fewer pictures than features has no accurate one.
    """
    means = features.mean(axis=0), true_features.mean(axis=0)
    one = (features - means[0]) / np.sqrt(len(features) - 1)
    other = (true_features - means[1]) / np.sqrt(len(true_features) - 1)
    root = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    distance = ((means[0] - means[1]) ** 2).sum() + (one**2).sum() + (other**2).sum() - 2 * root
    return max(0.0, float(distance))


def kernel_distance(features: Features, true_features: Features) -> float:
    """Return the unbiased kernel distance (KID) of two sets of features `[n, D]` and `[m, D]`; it may be below 0.

    The squared maximum mean discrepancy under (x·y / D + 1)³, as in Bińkowski et al., *Demystifying MMD GANs*,
    ICLR 2018, over all pictures at once.
    """
    sets = features, true_features
    within = []
    for each in sets:
        kernel = _cubic(each, each)
        within.append((kernel.sum() - np.trace(kernel)) / (len(each) * (len(each) - 1)))
    return float(sum(within) - 2 * _cubic(*sets).mean())


def _cubic(x: Features, y: Features) -> Features:
    cubes: Features = (x @ y.T / x.shape[1] + 1) ** 3
    return cubes


def inception_score(logits: Features, *, groups: int = _GROUPS, seed: int = 0) -> float:
    """Return the Inception Score of logits `[n, classes]`: the mean over shuffled groups, or over all when few."""
    if len(logits) < 2 * groups:
        groups = 1
    log_p = torch.from_numpy(logits).log_softmax(dim=1).numpy()
    scores = []
    for group in np.array_split(np.random.default_rng(seed).permutation(len(logits)), groups):
        chosen = log_p[group]
        p = np.exp(chosen)
        mean = np.maximum(p.mean(axis=0), np.finfo(np.float64).tiny)  # 0 for a class that no picture shows
        scores.append(np.exp((p * (chosen - np.log(mean))).sum(axis=1).mean()))
    return float(np.mean(scores))


Extractor = Callable[[Sequence[UInt8Array]], tuple[Tensor, Tensor]]
"""Maps pictures of one size to pooled features and logits."""


def real_inception() -> tuple[Extractor | None, str]:
    """Return the Inception network of the real FID, or why it cannot be had here.

    Nothing is downloaded: the weights count only when they already lie in torch's cache.
    """
    for module in ("torch_fidelity", "torchmetrics"):
        if not is_installed(module):
            return None, f"{module.replace('_', '-')} is not installed"
    weights = Path(torch.hub.get_dir()) / "checkpoints" / _INCEPTION_WEIGHTS
    if not weights.is_file():
        return None, f"the Inception weights are not at {weights}"
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3
    except (ImportError, RuntimeError) as error:  # a torchvision built for another torch raises RuntimeError
        return None, f"torch-fidelity cannot be imported: {error}"
    network: Any = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(weights))

    def extract(pictures: Sequence[UInt8Array]) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            pooled: Tensor = network(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2))
            return pooled, pooled @ network.fc.weight.T  # the unbiased logits, as the score is defined

    return extract, f"torch-fidelity {version_of('torch-fidelity')}"
