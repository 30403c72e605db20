"""Whether a request is worth refining, judged before the first step.

What tells best is how badly the bundle's own weights draw the garment's photograph from its labels and codes: plain
cloth they draw well, and there is nothing to learn but the lookup's own faults.
"""

from __future__ import annotations

from .problem import Problem

WELL_DRAWN = 2.3
"""A garment's own photograph is drawn well enough when its reference term, unweighted, is less."""

WELL_DRAWN_FOR_LOOKUP = 4.0
"""Likewise, when refinement aims at the lookup."""

LEAST_KNOWN = 0.5
"""Share of what is worn that the lookup must know before it is aimed at."""

_NEVERTHELESS = "--always, or RefinementOptions(always=True), refines nevertheless"

SMALLEST = 128
"""Height below which texture is a handful of pixels, and these limits say nothing."""


def doubt(problem: Problem, reference: float) -> str:
    """Return why refinement would gain nothing; empty when it may.

    Parameters
    ----------
    problem
        The request.
    reference
        The reference term of the bundle's own weights, weighted.
    """
    weights, aims_at_lookup = problem.weights, problem.weights["lookup"] > 0 and problem.has_lookup
    if problem.options.always or not problem.garments or problem.labels.shape[1] < SMALLEST:
        return ""
    if weights["reference"] > 0:
        off = reference / weights["reference"]
        if off < (WELL_DRAWN_FOR_LOOKUP if aims_at_lookup else WELL_DRAWN):
            return f"the network draws this garment well already ({off:.2f} off); {_NEVERTHELESS}"
    if aims_at_lookup and problem.known_share < LEAST_KNOWN:
        return f"the garment's photograph shows only {problem.known_share:.0%} of what is worn; {_NEVERTHELESS}"
    return ""
