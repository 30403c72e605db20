import json

import pytest
from scipy.stats import binomtest

from oviton import InputError
from oviton.evaluation.study import PairKey, StudyKey
from oviton.evaluation.study_score import find_key, score_study

KEY = StudyKey(
    study="abc",
    a="ours",
    b="theirs",
    question="?",
    pairs={f"p{i}": PairKey(name=f"{'upper' if i < 6 else 'two'}_{i}", left="ab"[i % 2]) for i in range(10)},
)


@pytest.fixture
def answer(tmp_path):
    """Write one rater's answers: ``a``, ``b``, ``-`` (undecided) or ``.`` (not yet) for each pair."""

    def write(rater, votes, **fields):
        answers = {}
        for i, vote in enumerate(votes):
            left = KEY.pairs[f"p{i}"].left
            choice = {"-": "undecided", left: "left"}.get(vote, "right")
            if vote != ".":
                answers[f"p{i}"] = {"choice": choice, "seconds": 1.5 + i}
        path = tmp_path / f"{rater}.json"
        content = {"schema": 1, "study": "abc", "rater": {"id": rater, "name": ""}, "answers": answers, **fields}
        path.write_text(json.dumps(content))
        return path

    return write


def test_votes_are_unblinded_and_counted(answer):
    score = score_study(KEY, [answer("r1", "aaaab-aab-")])
    assert (score.overall.a, score.overall.b, score.overall.ties) == (6, 2, 2)
    assert score.overall.preference == 0.75
    reference = binomtest(6, 8).proportion_ci(0.95, method="wilson")
    assert score.overall.ci95 == pytest.approx((reference.low, reference.high))
    assert {name: (s.a, s.b, s.ties) for name, s in score.splits.items()} == {"two": (2, 1, 1), "upper": (4, 1, 1)}
    assert score.agreement is None
    assert score.raters[0].median_seconds == 6.0


def test_raters_are_pooled_and_compared(answer):
    files = [answer("r1", "aaaaa-...."), answer("r2", "aabba-a..."), answer("r3", "bbbbb.....")]
    score = score_study(KEY, files)
    assert (score.overall.a, score.overall.b, score.overall.ties) == (9, 7, 2)
    assert [rater.answered for rater in score.raters] == [6, 7, 5]
    # r1 and r2 decide p0 to p4 both, and agree on three; r3 agrees with r2 on two, with r1 on none.
    assert score.agreement == pytest.approx((3 + 0 + 2) / 15)
    assert [rater.agreement for rater in score.raters] == pytest.approx([3 / 10, 5 / 10, 2 / 10])
    low, high = score.ci95_over_pairs
    assert 0 <= low < 9 / 16 < high <= 1


def test_a_favoured_side_shows(answer):
    score = score_study(KEY, [answer("r1", "ababababab")])  # the left picture, always
    assert score.overall.preference == 0.5
    assert score.left_share == 1
    assert score.left_ci95[0] > 0.5


def test_only_ties_have_no_preference(answer):
    score = score_study(KEY, [answer("r1", "---")])
    assert score.overall.preference is None
    assert score.overall.ci95 == (0, 1)
    assert score.ci95_over_pairs is None
    json.loads(score.model_dump_json(), parse_constant=pytest.fail)


def test_answers_that_do_not_belong_are_refused(answer):
    with pytest.raises(InputError, match="answers of study xyz, but the key is of study abc"):
        score_study(KEY, [answer("r1", "ab", study="xyz")])
    with pytest.raises(InputError, match="pair 'p99' is not in the key"):
        score_study(KEY, [answer("r1", "", answers={"p99": {"choice": "left"}})])
    with pytest.raises(InputError, match="r1 is given twice"):
        score_study(KEY, [answer("r1", "ab"), answer("r1", "ab")])
    with pytest.raises(InputError, match="hold no choice yet"):
        score_study(KEY, [answer("r1", "...")])
    with pytest.raises(InputError, match=r"not answers, .*answers.p0.choice: Input should be 'left'"):
        score_study(KEY, [answer("r1", "", answers={"p0": {"choice": "a"}})])


def test_the_key_beside_the_answers_is_found(answer, tmp_path):
    path = answer("r1", "ab")
    with pytest.raises(InputError, match="no key of study abc beside"):
        find_key(path)
    for name, study in (("other", "xyz"), ("study", "abc")):
        key = KEY.model_copy(update={"study": study})
        (tmp_path / f"{name}.key.json").write_text(key.model_dump_json(by_alias=True))
    assert find_key(path) == tmp_path / "study.key.json"
