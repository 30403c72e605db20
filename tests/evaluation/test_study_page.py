"""The page's own program, run by node where there is one."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import oviton
from oviton.evaluation.study import PairKey, StudyKey
from oviton.evaluation.study_score import score_study

PROGRAM = Path(oviton.__file__).parent / "evaluation" / "study_page" / "page.js"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

PRELUDE = """
const { createStudy } = require(process.argv[1]);
const data = { study: "abc", question: "?", pairs: [1, 2, 3, 4].map((i) => ({ id: `p${i}` })) };
function makeStorage() {
  const kept = {};
  return {
    kept,
    getItem: (k) => kept[k] ?? null,
    setItem: (k, v) => { kept[k] = v; },
    removeItem: (k) => { delete kept[k]; },
  };
}
let time = 0;
const open = (storage) => createStudy(data, storage, () => time);
const answer = (study, choice) => { study.shown(); time += 1000; return study.choose(choice); };
const say = (value) => console.log(JSON.stringify(value));
"""


def node(script):
    command = ["node", "-e", PRELUDE + script, str(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_go_on_after_the_page_was_closed():
    (running, first, second, resumed, done, file) = node("""
        const storage = makeStorage();
        let study = open(storage);
        say(study.running);
        study.start("  Ann ");
        say([study.pair.id, answer(study, "left"), study.pair.id]);
        say([answer(study, "undecided"), study.done]);
        study = open(storage);
        say([study.running, study.done, study.pair.id, study.rater.name]);
        answer(study, "right"); answer(study, "left");
        say([study.pair, study.done]);
        say(study.file());
    """)
    assert running is False
    assert (first, second, resumed, done) == (["p1", True, "p2"], [True, 2], [True, 2, "p3", "Ann"], [None, 4])
    answers = json.loads(file["text"])
    assert file["name"] == f"answers-abc-{answers['rater']['id']}.json"
    assert [a["choice"] for a in answers["answers"].values()] == ["left", "undecided", "right", "left"]
    assert answers["answers"]["p1"]["seconds"] == 1


def test_what_the_page_saves_can_be_scored(tmp_path):
    (file,) = node("""
        const study = open(makeStorage());
        study.start("");
        for (const choice of ["left", "right", "left", "undecided"]) answer(study, choice);
        say(study.file());
    """)
    (tmp_path / file["name"]).write_text(file["text"])
    pairs = {f"p{i}": PairKey(name=f"upper_{i}", left="a") for i in range(1, 5)}
    key = StudyKey(study="abc", a="ours", b="theirs", question="?", pairs=pairs)
    score = score_study(key, [tmp_path / file["name"]])
    assert (score.overall.a, score.overall.b, score.overall.ties) == (2, 1, 1)


def test_undo_shows_the_pair_again():
    (undone, answers) = node("""
        const study = open(makeStorage());
        study.start("");
        answer(study, "left"); answer(study, "left");
        say([study.undo(), study.pair.id, study.undo(), study.undo(), study.pair.id]);
        answer(study, "right");
        say(JSON.parse(study.file().text).answers);
    """)
    assert undone == [True, "p2", True, False, "p1"]
    assert {pair: a["choice"] for pair, a in answers.items()} == {"p1": "right"}


def test_a_double_tap_does_not_answer_the_next_pair():
    assert node("""
        const study = open(makeStorage());
        study.start("");
        study.shown(); time += 500;
        say([study.choose("left"), study.choose("left")]);
        study.shown(); time += 100;
        say([study.choose("left"), study.done]);
    """) == [[True, False], [False, 1]]


def test_storage_that_fails_or_was_spoilt_is_survived():
    assert node("""
        for (const storage of [null, { getItem() { throw 1; }, setItem() { throw 1; }, removeItem() { throw 1; } }]) {
          const study = open(storage);
          study.start("");
          say([answer(study, "left"), study.saved, study.done]);
          study.clear();
        }
        const unknown = '{"rater":{},"trail":["p9"],"answers":{}}', unanswered = unknown.replace("p9", "p1");
        for (const text of ["nonsense", "{}", unknown, unanswered]) {
          const storage = makeStorage();
          storage.setItem("oviton-study-abc", text);
          say(open(storage).running);
        }
    """) == [[True, False, 1], [True, False, 1], False, False, False, False]


def test_raters_are_told_apart():
    (ids,) = node("""
        const storage = makeStorage();
        const study = open(storage);
        study.start("Ann");
        const first = study.rater.id;
        study.clear();
        say([first, study.running, Object.keys(storage.kept), (study.start("Ben"), study.rater.id)]);
    """)
    assert ids[0] != ids[3]
    assert ids[1:3] == [False, []]
