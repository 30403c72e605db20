"""Whether a request is worth refining, judged before the first step.

The limits separate gains from losses on the first five triplets of each rendered split, at 256×128; docs/refinement.md
says what they do on others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .problem import Problem

NEAR = 0.79
"""Texture is near enough when the result is nearer than this to the lookup, as `perceptual_term` measures."""

LEAST_KNOWN = 0.75
"""Share of what is worn that the lookup must know before it is aimed at."""

WELL_DRAWN = 2.3
"""A garment's own photograph is drawn well enough when its reference term, unweighted, is less."""

SMALLEST = 128
"""Height below which texture is a handful of pixels, and these limits say nothing."""


def doubt(problem: Problem, texture: float, reference: float) -> str:
    """Return why refinement would gain nothing; empty when it may.

    Parameters
    ----------
    problem
        The request.
    texture
        Distance of the feed-forward result from what the lookup knows.
    reference
        The reference term of the bundle's own weights, weighted.
    """
    weights = problem.weights
    if problem.options.always or not problem.garments or problem.labels.shape[1] < SMALLEST:
        return ""
    if weights["lookup"] > 0:
        # A plain garment teaches nothing but the lookup's own faults, and where it knows nothing it misleads.
        if not problem.has_lookup:
            return ""
        if texture < NEAR:
            return f"the result's texture is near the garment's already ({texture:.2f} away)"
        if problem.known_share < LEAST_KNOWN:
            return f"the garment's photograph shows only {problem.known_share:.0%} of what is worn"
    elif weights["reference"] > 0 and reference < WELL_DRAWN * weights["reference"]:
        return f"the network draws this garment well already ({reference / weights['reference']:.2f} off)"
    return ""
