"""Scoring a human study: preference with an interval, ties, splits, and how far raters agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..data.errors import InputError
from .intervals import ratio_of_sums, wilson
from .json_file import read_model
from .study import Side, StudyKey

Interval = tuple[float, float]
Vote = Literal["a", "b", "tie"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class Rater(_Strict):
    """Who answered: a random id, and a name if one was given."""

    id: str = Field(min_length=1)
    name: str = ""


class Answer(_Strict):
    """One choice, and how long it took."""

    choice: Literal["left", "right", "undecided"]
    seconds: float = Field(default=0.0, ge=0)


class Answers(_Strict):
    """What the page saves; see `page.js`."""

    schema_version: Literal[1] = Field(alias="schema")
    study: str
    rater: Rater
    started: str = ""
    saved: str = ""
    answers: dict[str, Answer]


class Preference(_Strict):
    """How often A was preferred.

    Parameters
    ----------
    a, b, ties
        Votes.
    preference
        Share of A among the votes that are no ties; None when all are.
    ci95
        Wilson's 95 % interval of `preference`. It takes votes as independent.
    """

    a: int
    b: int
    ties: int
    preference: float | None
    ci95: Interval

    @classmethod
    def of(cls, votes: Iterable[Vote]) -> Preference:
        """Count votes."""
        votes = list(votes)
        a, b = votes.count("a"), votes.count("b")
        return cls(a=a, b=b, ties=len(votes) - a - b, preference=_share(a, a + b), ci95=wilson(a, a + b))


class RaterScore(_Strict):
    """One rater.

    Parameters
    ----------
    id, name
        Who.
    answered
        Pairs answered.
    result
        The rater's own votes.
    agreement
        Share of votes, among those where another rater decided as well, that are the same; None without any.
    median_seconds
        Of a choice.
    """

    id: str
    name: str
    answered: int
    result: Preference
    agreement: float | None
    median_seconds: float


class StudyScore(_Strict):
    """A study's result.

    Parameters
    ----------
    schema_version
        Format of this report.
    study, a, b, question
        What was compared.
    pairs
        Pairs that the study has.
    overall
        All votes of all raters.
    ci95_over_pairs
        95 % bootstrap interval of the preference over pairs: what other pictures might have given. With several raters
        it is the honest one, since their votes on one pair are not independent. None without a decided vote.
    splits
        By split, where names carry it.
    raters
        By rater.
    agreement
        Share of equal votes over all pairs of raters and decided pictures; .5 is chance. None for one rater.
    left_share
        Share of the left side among decided votes, with its Wilson interval: far from .5, raters favour a side.
    """

    schema_version: int = 1
    study: str
    a: str
    b: str
    question: str
    pairs: int
    overall: Preference
    ci95_over_pairs: Interval | None
    splits: dict[str, Preference]
    raters: tuple[RaterScore, ...]
    agreement: float | None
    left_share: float | None
    left_ci95: Interval


def open_key(path: Path) -> StudyKey:
    """Read a study's key."""
    return read_model(path, StudyKey, "a study's key, which oviton study make writes")


def find_key(answers: Path) -> Path:
    """Return the key that lies beside a file of answers and is of its study.

    Raises
    ------
    InputError
        When there is none.
    """
    study = open_answers(answers).study
    for path in sorted(answers.resolve().parent.glob("*.key.json")):
        if open_key(path).study == study:
            return path
    raise InputError(f"no key of study {study} beside {answers}; give --key")


def open_answers(path: Path) -> Answers:
    """Read what the page saved."""
    return read_model(path, Answers, "answers, which the study's page saves")


def score_study(key: StudyKey, files: Sequence[Path]) -> StudyScore:
    """Unblind and count answers.

    Parameters
    ----------
    key
        The study's key.
    files
        One file of answers a rater.

    Raises
    ------
    InputError
        When answers are of another study, name an unknown pair, or are given twice.
    """
    sheets: dict[str, Answers] = {}
    for path in files:
        answers = open_answers(path)
        if answers.study != key.study:
            raise InputError(f"{path}: answers of study {answers.study}, but the key is of study {key.study}")
        unknown = answers.answers.keys() - key.pairs.keys()
        if unknown:
            raise InputError(f"{path}: pair {min(unknown)!r} is not in the key of study {key.study}")
        if answers.rater.id in sheets:
            raise InputError(f"{path}: rater {answers.rater.id} is given twice; give each rater's last file once")
        sheets[answers.rater.id] = answers
    votes = {
        rater: {pair: _vote(answer.choice, key.pairs[pair].left) for pair, answer in sheet.answers.items()}
        for rater, sheet in sheets.items()
    }
    flat = [(pair, vote) for given in votes.values() for pair, vote in given.items()]
    if not flat:
        raise InputError("the answers hold no choice yet")
    by_pair = [Preference.of(vote for other, vote in flat if other == pair) for pair in dict(flat)]
    over_pairs = ratio_of_sums([p.a for p in by_pair], [p.a + p.b for p in by_pair])
    splits = sorted({key.pairs[pair].split for pair, _ in flat} - {""})
    choices = [answer.choice for sheet in sheets.values() for answer in sheet.answers.values()]
    left, decided = choices.count("left"), len(choices) - choices.count("undecided")
    same = [_agreement(votes[one], votes[other]) for one, other in combinations(votes, 2)]
    return StudyScore(
        study=key.study,
        a=key.a,
        b=key.b,
        question=key.question,
        pairs=len(key.pairs),
        overall=Preference.of(vote for _, vote in flat),
        ci95_over_pairs=None if over_pairs is None else (over_pairs.low, over_pairs.high),
        splits={split: Preference.of(v for pair, v in flat if key.pairs[pair].split == split) for split in splits},
        raters=tuple(_rater_score(sheets[rater], votes) for rater in sheets),
        agreement=_share(sum(equal for equal, _ in same), sum(shared for _, shared in same)),
        left_share=_share(left, decided),
        left_ci95=wilson(left, decided),
    )


def _rater_score(sheet: Answers, votes: dict[str, dict[str, Vote]]) -> RaterScore:
    own = votes[sheet.rater.id]
    same = [_agreement(own, other) for rater, other in votes.items() if rater != sheet.rater.id]
    return RaterScore(
        id=sheet.rater.id,
        name=sheet.rater.name,
        answered=len(own),
        result=Preference.of(own.values()),
        agreement=_share(sum(equal for equal, _ in same), sum(shared for _, shared in same)),
        median_seconds=median([answer.seconds for answer in sheet.answers.values()] or [0.0]),
    )


def _agreement(one: dict[str, Vote], other: dict[str, Vote]) -> tuple[int, int]:
    """Return how many pairs two raters voted alike on, and how many both decided."""
    decided = [pair for pair in one.keys() & other.keys() if "tie" not in (one[pair], other[pair])]
    return sum(one[pair] == other[pair] for pair in decided), len(decided)


def _vote(choice: str, left: Side) -> Vote:
    if choice == "undecided":
        return "tie"
    return left if choice == "left" else ("b" if left == "a" else "a")


def _share(part: int, of: int) -> float | None:
    return part / of if of else None
