"""Appearance generation: one vector a class from its source photograph, painted onto the new segmentation."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.classes import MIRRORED, NUM_BODY_PARTS, NUM_CLASSES, SKIN
from .body import BODY_CHANNELS
from .config import NetworkConfig
from .correspondence.surface import FOURIER_CHANNELS, LOOKUP_CHANNELS, coordinate_features
from .layers import conv, conv_leaky
from .operators import block_sums, crop, read_rows
from .residual_generator import STEM_KERNEL, ResidualGenerator

COLOUR_CHANNELS = 3
COLOUR_LIMIT = 0.98
"""Largest colour that the colour path passes on exactly; tanh reaches 1 only at infinity."""


class AppearanceEncoder(nn.Module):
    """Encode a labelled photograph into features whose mean over a class is that class's code.

    Without normalisation, so that a code keeps absolute colour. It sees what `encoder_view` gives; features are at half
    the size of that.

    Parameters
    ----------
    config
        What the networks look like.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.colour_path = config.appearance.colour_path
        widths = config.appearance.encoder_widths
        outputs = config.appearance_code - (COLOUR_CHANNELS if self.colour_path else 0)
        self.stem = nn.Sequential(
            conv_leaky(COLOUR_CHANNELS + NUM_CLASSES, widths[0], 4, stride=2), conv_leaky(widths[0], widths[0])
        )
        self.downs = nn.ModuleList(
            nn.Sequential(conv_leaky(a, b, 3, stride=2), conv_leaky(b, b)) for a, b in pairwise(widths)
        )
        self.ups = nn.ModuleList(conv_leaky(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.last = conv(widths[0], outputs, 1)

    def forward(self, image: Tensor, label_maps: Tensor) -> Tensor:
        """Map pictures `[B, 3, H, W]` in [-1, 1] and one-hot labels `[B, 20, H, W]` to features `[B, Dt, H/2, W/2]`."""
        x = self.stem(torch.cat([image, label_maps], dim=1))
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(x)
        for up in self.ups:
            x = up(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skips.pop()], dim=1))
        features: Tensor = self.last(x)
        if self.colour_path:
            # Channels last, as convolutions leave them and means are taken of them: engines drop what turns them back.
            parts = (F.avg_pool2d(image, 2), features)
            features = torch.cat([part.permute(0, 2, 3, 1) for part in parts], dim=3).permute(0, 3, 1, 2)
        return features


def encoder_view(images: Tensor, labels: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Return pictures and their labels so many times smaller, as the encoder sees them.

    Parameters
    ----------
    images, labels
        The pictures, `[B, H, W, 3]`, and their class ids, integers `[B, H, W]`.
    scale
        How many times smaller they become, a divisor of H and W.

    Returns
    -------
    images, labels
        The same, `[B, 3, H / scale, W / scale]` and `[B, H / scale, W / scale]`.
    """
    smaller = block_sums(images, scale) / scale**2 if scale > 1 else images
    return smaller.permute(0, 3, 1, 2), labels[:, ::scale, ::scale]


def pool_codes(features: Tensor, label_maps: Tensor, source: Tensor, *, borrow_absent: bool) -> Tensor:
    """Average features under each class's own labels, in the source image that the outfit names for it.

    Always in FP32: a picture's pixel count does not fit FP16.

    Parameters
    ----------
    features
        Channels last, as convolutions leave them, `[N, M + 1, H/2, W/2, Dt]`; image 0 is the person.
    label_maps
        One-hot labels of the same images, `[N, M + 1, 20, H, W]`.
    source
        Which image each class comes from, int32 `[N, 20]`; -1 for none.
    borrow_absent
        Whether an absent class takes the codes of its mirror image or of other skin.

    Returns
    -------
    Tensor
        Codes `[N, 20, Dt]`, float32; zero for a class that is in no source image and borrows none.
    """
    batch, images, depth = *features.shape[:2], features.shape[4]
    masks = F.avg_pool2d(label_maps.flatten(0, 1).float(), 2).reshape(batch, images, NUM_CLASSES, -1)
    sums = masks @ features.float().flatten(2, 3)
    totals = torch.cat([sums, masks.sum(dim=3, keepdim=True)], dim=3)
    pick = source.clamp(min=0).to(torch.int64)[:, None, :, None].expand(-1, 1, -1, depth + 1)
    chosen = totals.gather(1, pick).squeeze(1) * (source >= 0).float().unsqueeze(2)
    count = chosen[..., depth:]
    codes = chosen[..., :depth] / count.clamp(min=1e-3)
    if borrow_absent:
        present = (count > 0).float()
        lenders = _borrowing_weights().to(codes.device) @ torch.cat([codes * present, present], dim=2)
        borrowed = lenders[..., :depth] / lenders[..., depth:].clamp(min=1e-6)
        codes = torch.where(present > 0, codes, borrowed)
    return codes


class AppearanceGenerator(nn.Module):
    """Paint the person in the outfit from labels, painted codes and, with ``surface`` conditioning, the lookup.

    Parameters
    ----------
    config
        What the networks look like.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        appearance = config.appearance
        channels = NUM_CLASSES + config.appearance_code
        if appearance.conditioning == "surface":
            channels += BODY_CHANNELS + FOURIER_CHANNELS + LOOKUP_CHANNELS + COLOUR_CHANNELS
        stride = appearance.generator.stem_stride
        self.stem = conv(channels, appearance.generator.width, STEM_KERNEL[stride], stride=stride, bias=False)
        self.padding: int = self.stem[0].padding[0]  # type: ignore[index,assignment]
        """How many pixels of reflection the stem wants around its input."""
        self.generator = ResidualGenerator(appearance.generator, channels, COLOUR_CHANNELS)
        self.guess = channels - COLOUR_CHANNELS if appearance.conditioning == "surface" else NUM_CLASSES
        self.colour = _silent_conv(channels) if appearance.colour_path else None

    def forward(self, conditioning: Tensor) -> Tensor:
        """Map conditioning `[N, C, H, W]` to a picture `[N, 3, H, W]` in [-1, 1]."""
        return self.paint(self.stem[0](conditioning))

    def paint(self, padded: Tensor, guess: Tensor | None = None) -> Tensor:
        """Do the same for conditioning that is padded by reflection already, `[N, C, H + 2·padding, W + 2·padding]`.

        `guess` are those of its channels that guess at the colour, `[N, 3, ...]`. They reach the picture past all
        convolutions: an engine that keeps such a path in FP32 must not find the whole conditioning on it.
        """
        margin = self.padding
        picture: Tensor = self.generator(self.stem[1](padded), padded, margin)
        if self.colour is None:
            return torch.tanh(picture)
        if guess is None:
            guess = padded[:, self.guess : self.guess + COLOUR_CHANNELS]
        guess = crop(guess, margin).clamp(-COLOUR_LIMIT, COLOUR_LIMIT)
        # The guess passes through tanh unchanged, so that a new network starts as it.
        return _tanh_from(guess, picture + crop(self.colour(padded), margin))


def codes_conditioning(labels: Tensor, codes: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the paper's conditioning, and by itself its guess at the colour.

    Parameters
    ----------
    labels
        Class ids, integers `[N, H, W]`.
    codes
        Each class's code, `[N, 20, Dt]`.
    dtype
        The result's dtype.

    Returns
    -------
    conditioning
        One-hot labels and painted codes, `[N, 20 + Dt, H, W]`.
    guess
        Each class's mean colour, `[N, 3, H, W]`. (Without a colour path the first three numbers of a code are no
        colour.)
    """
    return _channels_first(read_rows(_class_rows(codes).to(dtype), labels), _paint_colours(labels, codes, dtype))


def surface_conditioning(
    labels: Tensor, codes: Tensor, body: Tensor, lookup: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return the ``surface`` conditioning, and by itself its guess at the colour.

    Parameters
    ----------
    labels, codes
        Class ids, integers `[N, H, W]`, and each class's code, `[N, 20, Dt]`.
    body
        The person's body map as planes, int32 `[3, N, H, W]`.
    lookup
        What `surface_lookup` found, `[N, 4, H, W]`.
    dtype
        The result's dtype.

    Returns
    -------
    conditioning
        One-hot labels, painted codes, one-hot body parts, `coordinate_features`, the lookup and, last, the guess:
        `[N, C, H, W]`.
    guess
        The lookup where it is confident, the class's mean colour where it is not, `[N, 3, H, W]`. (Without a colour
        path the first three numbers of a code are no colour, and the network has to learn what to make of those
        channels.)
    """
    classes = _class_rows(codes)
    parts = torch.eye(NUM_BODY_PARTS, device=codes.device)
    # A row for every class on every body part: one reading does for most of the channels.
    rows = torch.cat(
        [
            classes.unsqueeze(2).expand(-1, -1, NUM_BODY_PARTS, -1),
            parts.expand(classes.shape[0], NUM_CLASSES, -1, -1),
        ],
        dim=3,
    ).flatten(1, 2)
    known = read_rows(rows.to(dtype), labels.to(torch.int32) * NUM_BODY_PARTS + body[0])
    found = lookup.permute(0, 2, 3, 1).to(dtype)
    colours = _paint_colours(labels, codes, dtype)
    guess = found[..., :COLOUR_CHANNELS] + (1 - found[..., COLOUR_CHANNELS:]) * colours
    seen = torch.cat([known, coordinate_features(body, dtype), found, guess], dim=3)
    return _channels_first(seen, guess)


def _class_rows(codes: Tensor) -> Tensor:
    """Return what each class's pixels see of it, one-hot and its code: `[N, 20, 20 + Dt]`."""
    ones = torch.eye(NUM_CLASSES, dtype=codes.dtype, device=codes.device)
    return torch.cat([ones.expand(codes.shape[0], -1, -1), codes], dim=2)


def _channels_first(conditioning: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
    """View both `[N, H, W, C]` as `[N, C, H, W]`.

    Until then channels come last: in that order a pixel's are read from tables and put beside each other, and
    convolutions read them fastest.
    """
    return conditioning.permute(0, 3, 1, 2), guess.permute(0, 3, 1, 2)


def _paint_colours(labels: Tensor, codes: Tensor, dtype: torch.dtype) -> Tensor:
    return read_rows(codes[..., :COLOUR_CHANNELS].to(dtype), labels)


def _tanh_from(start: Tensor, step: Tensor) -> Tensor:
    """Return tanh(atanh(start) + step) by the addition theorem, in FP32: no CPU engine has a fast logarithm."""
    moved, start = torch.tanh(step.float()), start.float()
    return ((start + moved) / (1 + start * moved)).to(step.dtype)


def _silent_conv(channels: int) -> nn.Conv2d:
    """Return a trainable 1×1 path to the picture that starts at zero."""
    path = nn.Conv2d(channels, COLOUR_CHANNELS, 1)
    nn.init.zeros_(path.weight)
    assert path.bias is not None
    nn.init.zeros_(path.bias)
    return path


def _borrowing_weights() -> Tensor:
    """Return `[20, 20]`: how much class row borrows from class column. A mirror image counts far more than skin."""
    weights = torch.zeros(NUM_CLASSES, NUM_CLASSES)
    for borrower in SKIN:
        for lender in SKIN:
            weights[borrower, lender] = 1.0
    for left, right in MIRRORED:
        weights[left, right] = weights[right, left] = 1000.0
    return weights
