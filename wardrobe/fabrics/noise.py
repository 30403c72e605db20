"""Smooth random fields that repeat seamlessly."""

from __future__ import annotations

import numpy as np

from .palette import Floats


def noise(
    rng: np.random.Generator, size: int, wavelength: float, spread: float = 0.35, stretch: tuple[float, float] = (1, 1)
) -> Floats:
    """Return Gaussian noise whose blobs have about one size.

    White noise is filtered around one wavelength, so blobs look alike in every direction and the tile has no seam.

    Parameters
    ----------
    rng
        Source of the draw.
    size
        Height and width of the tile in pixels.
    wavelength
        Distance from one blob to the next, in pixels.
    spread
        How much blob sizes differ (octaves, standard deviation); large values give clouds with fine detail.
    stretch
        How much longer blobs are than that, down and across.

    Returns
    -------
    Floats
        `[size, size]`, mean 0, standard deviation 1.
    """
    white = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    down = np.fft.fftfreq(size)[:, None] * stretch[0]
    across = np.fft.rfftfreq(size)[None] * stretch[1]
    cycles = np.hypot(down, across)
    cycles[0, 0] = 1e-9
    octaves = np.log2(cycles * wavelength)
    # Below the chosen frequency the spectrum falls off fast; above it as slowly as `spread` says.
    white *= np.exp(-0.5 * (octaves / np.where(octaves > 0, spread, 0.4)) ** 2) / cycles**0.5
    white[0, 0] = 0
    field = np.fft.irfft2(white, s=(size, size)).astype(np.float32)
    return field / max(float(field.std()), 1e-6)


def threads(rng: np.random.Generator, strength: float, slub: float = 0.5, size: int = 256) -> Floats:
    """Return the brightness of single threads, `[size, size]` around 1.

    Parameters
    ----------
    rng
        Source of the draw.
    strength
        Standard deviation of the brightness.
    slub
        Share of that which runs along the threads as short streaks, instead of as specks.
    size
        Height and width of the tile in pixels, a power of two.
    """
    specks = rng.standard_normal((size, size), dtype=np.float32)
    kernel = np.ones(7, dtype=np.float32) / np.sqrt(np.float32(7))
    streaks = rng.standard_normal((size, size), dtype=np.float32)
    spectrum = np.fft.rfft(streaks, axis=1) * np.fft.rfft(kernel, n=size)
    streaks = np.fft.irfft(spectrum, n=size, axis=1).astype(np.float32)
    field = 1 + strength * (slub * streaks + (1 - slub) * specks)
    return np.clip(field, 0.5, 1.5).astype(np.float32)
