"""How near a picture is to the true one: PSNR, SSIM and a distance of network features, inside a mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..data.images import UInt8Array
from ..data.optional import require
from ..networks.losses import directions, perceptual_distance
from ..networks.mobilenet import MobileNetFeatures, MobileNetV2

MAX_PSNR = 60.0
"""In dB. A perfect picture has an infinite PSNR, which would make every mean infinite."""

_skimage = require("skimage.metrics", extra="train", purpose="evaluation")

Mask = npt.NDArray[np.bool_]


def psnr(picture: UInt8Array, truth: UInt8Array, mask: Mask) -> float:
    """Return the peak signal-to-noise ratio in dB over the pixels in `mask`, at most `MAX_PSNR`.

    Parameters
    ----------
    picture, truth
        RGB `[H, W, 3]`, uint8.
    mask
        `[H, W]`, not empty.
    """
    difference = (picture[mask].astype(np.float64) - truth[mask]) / 255
    error = max(float((difference**2).mean()), 10 ** (-MAX_PSNR / 10))
    return float(-10 * np.log10(error))


def ssim_map(picture: UInt8Array, truth: UInt8Array) -> npt.NDArray[np.float64]:
    """Return the structural similarity of each pixel's neighbourhood, `[H, W]`, the mean of the three channels.

    With Wang et al.'s settings: an 11×11 Gaussian window of deviation 1.5, population covariances.
    """
    channels = _skimage.structural_similarity(
        picture,
        truth,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )[1]
    similarity: npt.NDArray[np.float64] = np.asarray(channels, np.float64).mean(axis=2)
    return similarity


def extract_features(network: MobileNetV2, pictures: Sequence[UInt8Array]) -> MobileNetFeatures:
    """Return the network's features of pictures `[H, W, 3]` of one size, as one batch."""
    with torch.inference_mode():
        batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
        features: MobileNetFeatures = network(batch.contiguous(memory_format=torch.channels_last))
        return features


def perceptual_distances(taps: Sequence[Tensor], true_taps: Sequence[Tensor], masks: Sequence[Mask]) -> list[float]:
    """Return the distance of each picture's features from the true picture's, inside each mask.

    Each pixel's feature vector is scaled to length 1; the squared difference is summed over channels, averaged over
    the mask (area-downsampled to the layer's size), and averaged over layers. 0 means the same, 2 unrelated.

    Parameters
    ----------
    taps
        Feature maps `[N, C, h, w]` by layer.
    true_taps
        Likewise, `[1, C, h, w]`.
    masks
        `[H, W]`, not empty.

    Returns
    -------
    list
        Distances, picture by picture, for each picture mask by mask.
    """
    with torch.inference_mode():
        own, true = directions(taps), directions(true_taps)
        weights = torch.from_numpy(np.stack(masks)).float()
        found = [perceptual_distance(own, true, mask[None, None], "none") for mask in weights]
        return torch.stack(found, dim=1).flatten().tolist()
