"""Running contenders in turns until their medians stand still."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..data.errors import InputError
from ..evaluation.intervals import Interval, median, ratio_of_medians

Clock = Callable[[Callable[[], object]], float]
"""Runs something and returns the seconds that it took."""

Stages = Mapping[str, float]


def wall_clock(run: Callable[[], object]) -> float:
    """Time a call on the host."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


@dataclass(frozen=True)
class StopRule:
    """When a group of contenders was measured well enough.

    Parameters
    ----------
    warm_up
        Rounds that do not count.
    least, most
        Fewest and most rounds that count.
    seconds
        Time for the group; when it is up, the group ends after `least` rounds.
    tolerance
        A contender stands still when the medians of the older and the newer half of its rounds, and the half width of
        its interval, are within this share of its median.
    rest
        Seconds before each run. ONNX Runtime's threads look out for more work for a while after their last, and would
        take a core from whoever comes next.

    Raises
    ------
    InputError
        When the numbers of rounds do not make sense.
    """

    warm_up: int = 3
    least: int = 12
    most: int = 80
    seconds: float = 30.0
    tolerance: float = 0.03
    rest: float = 0.1

    def __post_init__(self) -> None:
        if self.warm_up < 0 or not 2 <= self.least <= self.most:
            raise InputError(
                f"rounds: warm_up {self.warm_up}, least {self.least}, most {self.most}; allowed: warm_up at least 0, "
                "least from 2 to most"
            )


QUICK = StopRule(warm_up=2, least=6, most=15, seconds=5.0, tolerance=0.05)


@dataclass
class Contender:
    """Something to be timed.

    Parameters
    ----------
    name
        Unique in its group.
    run
        What is timed. It may return milliseconds by stage.
    clock
        How it is timed: the host's clock, or a GPU's events.
    """

    name: str
    run: Callable[[], object]
    clock: Clock = wall_clock


@dataclass
class Samples:
    """A contender's rounds.

    Parameters
    ----------
    seconds
        A number a round; all contenders of a group have equally many, round by round.
    stages
        Milliseconds by stage a round; empty for contenders without stages.
    stable
        Whether it stood still when the group ended.
    """

    seconds: list[float] = field(default_factory=list)
    stages: list[Stages] = field(default_factory=list)
    stable: bool = False

    @property
    def ms(self) -> Interval:
        """The median, in milliseconds."""
        return median(self.seconds).scaled(1000)

    def over(self, other: Samples) -> Interval:
        """Return how many times as long this takes as another of the same rounds."""
        return ratio_of_medians(self.seconds, other.seconds)

    def stage_medians(self) -> dict[str, float]:
        """Return the median milliseconds of each stage."""
        names = list(self.stages[0]) if self.stages else []
        return {name: statistics.median(stages[name] for stages in self.stages) for name in names}


def take_turns(contenders: Sequence[Contender], rule: StopRule, *, seed: int = 0) -> dict[str, Samples]:
    """Run every contender once a round, in a new random order each round.

    Machines change their speed while they are measured: another guest, heat, a clock. Whoever takes turns at random is
    hit alike, so that ratios hold where times do not.

    Parameters
    ----------
    contenders
        What is compared.
    rule
        When to stop.
    seed
        Of the order.

    Returns
    -------
    dict
        Samples by contender's name.
    """
    order = random.Random(seed)
    found = {contender.name: Samples() for contender in contenders}
    if len(found) != len(contenders):
        raise ValueError("contenders of a group need names of their own")
    started = time.perf_counter()
    for turn in range(rule.warm_up + rule.most):
        for contender in order.sample(contenders, len(contenders)):
            stages: list[object] = []
            time.sleep(rule.rest)
            seconds = contender.clock(lambda run=contender.run, kept=stages: kept.append(run()))  # type: ignore[misc]
            if turn >= rule.warm_up:
                samples = found[contender.name]
                samples.seconds.append(seconds)
                if isinstance(stages[0], Mapping):
                    samples.stages.append(stages[0])
        counted = turn + 1 - rule.warm_up
        if counted >= rule.least:
            for samples in found.values():
                samples.stable = _stands_still(samples.seconds, rule.tolerance)
            if all(samples.stable for samples in found.values()) or time.perf_counter() - started > rule.seconds:
                break
    return found


def _stands_still(seconds: Sequence[float], tolerance: float) -> bool:
    whole, half = median(seconds), len(seconds) // 2
    drift = abs(statistics.median(seconds[half:]) - statistics.median(seconds[:half]))
    return whole.spread <= tolerance and drift <= tolerance * whole.value
