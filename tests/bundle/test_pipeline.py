"""The pipeline, with graphs that do sums."""

from contextlib import contextmanager

import numpy as np
import pytest

from oviton.bundle.families import Family
from oviton.bundle.manifest import TensorSpec
from oviton.bundle.pipeline import Pipeline


class Graph:
    def __init__(self, output, *inputs):
        self.output, self.inputs = output, tuple(TensorSpec(name=n, dtype="float32", shape=("N",)) for n in inputs)

    def __call__(self, **inputs):
        assert list(inputs) == [spec.name for spec in self.inputs]
        return {self.output: sum(inputs.values())}


SUMS = Family(
    "sums",
    ("first", "second"),
    ("a", "b"),
    ("result",),
    (),
    before={"second": lambda values: {"doubled": 2 * values["middle"]}},
)


@pytest.fixture
def pipeline():
    return Pipeline(SUMS, {"second": Graph("result", "doubled", "b"), "first": Graph("middle", "a", "b")})


def test_graphs_run_in_the_familys_order_with_host_steps_between(pipeline):
    given = {"a": np.float32([1]), "b": np.float32([10]), "unused": np.float32([7])}
    found = pipeline.run(given)
    assert found["middle"] == 11
    assert found["result"] == 32
    assert found["unused"] == 7
    assert "middle" not in given


def test_some_graphs_alone(pipeline):
    assert pipeline.run({"middle": 4, "b": 1}, ["second"])["result"] == 9
    assert "result" not in pipeline.run({"a": 1, "b": 1}, SUMS.until("second"))


def test_each_graph_runs_inside_its_stage(pipeline):
    begun, ended = [], []

    @contextmanager
    def stage(name):
        begun.append(name)
        yield
        ended.append(name)

    pipeline.run({"a": 1, "b": 1}, stage=stage)
    assert begun == ended == ["first", "second"]
