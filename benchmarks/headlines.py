"""The headlines: what each says, what it should be, and whether it is so beyond the interval's doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..evaluation.intervals import Interval

Verdict = Literal["met", "missed", "unclear"]


@dataclass(frozen=True)
class Headline:
    """A ratio that a run is judged by.

    Parameters
    ----------
    label
        A few words that follow the number.
    meaning
        What it is, in a sentence without a full stop.
    target
        What it should reach.
    higher_is_better
        Whether `target` is the least that is good, or the most.
    is_share
        Whether it reads as per cent, or as so many times.
    """

    label: str
    meaning: str
    target: float
    higher_is_better: bool = False
    is_share: bool = True

    def verdict(self, found: Interval) -> Verdict:
        """Return whether the whole interval meets the target, or misses it; ``"unclear"`` when the target is in it."""
        met = [
            (end >= self.target) if self.higher_is_better else (end <= self.target) for end in (found.low, found.high)
        ]
        return "met" if all(met) else "unclear" if any(met) else "missed"

    def text(self, value: float) -> str:
        """Return a value as people read it."""
        return f"{value * 100:.3g}\u00a0%" if self.is_share else f"{value:.2f}\u00a0×"

    @property
    def aim(self) -> str:
        """The target in words."""
        return f"{'at least' if self.higher_is_better else 'at most'} {self.text(self.target)}"


HEADLINES = {
    "try_on_vs_eager_fp32": Headline(
        "as fast as PyTorch eager FP32",
        "The default engine's whole try-on, times as fast as PyTorch eager FP32",
        2.5,
        higher_is_better=True,
        is_share=False,
    ),
    "fraction_of_floor": Headline(
        "of the floor",
        "Of the floor that the measured matrix product allows, at its precision",
        0.6,
        higher_is_better=True,
    ),
    "extra_garment": Headline("for one more garment", "What one more garment adds, relative to two", 0.05),
    "pre_post_share": Headline(
        "before and after the networks", "Decoding, fitting, compositing and encoding, of the whole", 0.15
    ),
}
"""Every headline by its name in the result file."""
