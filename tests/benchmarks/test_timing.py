import itertools
from collections import Counter

import pytest

from oviton.benchmarks import timing
from oviton.benchmarks.timing import Contender, StopRule, take_turns
from oviton.data.errors import InputError


class Scripted:
    """A clock whose readings are given, that notes who ran."""

    def __init__(self, readings):
        self.readings, self.order = {name: iter(values) for name, values in readings.items()}, []

    def contenders(self):
        return [Contender(name, lambda: None, self.clock(name)) for name in self.readings]

    def clock(self, name):
        def read(run):
            run()
            self.order.append(name)
            return next(self.readings[name])

        return read


def test_everyone_runs_once_a_round_in_changing_order():
    script = Scripted({name: itertools.repeat(1.0) for name in "abc"})
    found = take_turns(script.contenders(), StopRule(warm_up=2, least=10, most=10, rest=0))
    rounds = (
        list(itertools.batched(script.order, 3))
        if hasattr(itertools, "batched")
        else [tuple(script.order[i : i + 3]) for i in range(0, 36, 3)]
    )
    assert len(rounds) == 12
    assert all(set(each) == set("abc") for each in rounds)
    assert len(Counter(rounds)) >= 4  # of six orders
    assert all(len(samples.seconds) == 10 for samples in found.values())  # warm-up does not count


def test_stops_when_medians_stand_still_and_not_before():
    still = take_turns(Scripted({"a": itertools.repeat(2.0)}).contenders(), StopRule(least=6, most=50, rest=0))["a"]
    assert len(still.seconds) == 6
    assert still.stable
    drifting = take_turns(
        Scripted({"a": (1 + 0.1 * i for i in itertools.count())}).contenders(), StopRule(least=6, most=50, rest=0)
    )["a"]
    assert len(drifting.seconds) == 50
    assert not drifting.stable


def test_one_that_drifts_keeps_all_going():
    script = Scripted({"still": itertools.repeat(1.0), "drifts": (1 + 0.1 * i for i in itertools.count())})
    found = take_turns(script.contenders(), StopRule(least=6, most=20, rest=0))
    assert len(found["still"].seconds) == len(found["drifts"].seconds) == 20


def test_time_ends_a_group_after_the_least_rounds():
    script = Scripted({"a": (1 + 0.1 * i for i in itertools.count())})
    assert len(take_turns(script.contenders(), StopRule(least=7, most=50, seconds=0, rest=0))["a"].seconds) == 7


def test_the_rest_before_a_turn_is_not_measured(monkeypatch):
    rests = []
    monkeypatch.setattr(timing.time, "sleep", rests.append)
    contenders = Scripted({"a": itertools.repeat(1.0), "b": itertools.repeat(2.0)}).contenders()
    found = take_turns(contenders, StopRule(warm_up=1, least=2, most=2, rest=0.25))
    assert rests == [0.25] * 6
    assert {name: samples.seconds for name, samples in found.items()} == {"a": [1.0, 1.0], "b": [2.0, 2.0]}


def test_stages_are_kept_and_their_medians_told():
    stages = iter([{"x": 9.0}, {"x": 1.0}, {"x": 2.0}, {"x": 3.0}])
    found = take_turns([Contender("a", lambda: next(stages))], StopRule(warm_up=1, least=3, most=3, rest=0))["a"]
    assert found.stage_medians() == {"x": 2.0}


def test_senseless_rounds_are_refused():
    with pytest.raises(InputError, match="least 5, most 4"):
        StopRule(least=5, most=4)
