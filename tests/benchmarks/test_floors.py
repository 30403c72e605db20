import pytest

from oviton.benchmarks import ceilings
from oviton.benchmarks.floors import fastest_products, graph_floors, summed
from oviton.benchmarks.timing import Contender, Samples
from oviton.benchmarks.work import work_of
from oviton.bundle.families import O_VITON

GRAPHS = O_VITON.having(()).graphs
PRECISIONS = dict.fromkeys(GRAPHS, "fp32") | {"appearance_generator": "int8"}
PRODUCTS = {"fp32": Samples([0.02, 0.03]), "int8": Samples([0.005, 0.01])}
COPIED = Samples([0.04, 0.02])


def test_floors_are_those_of_each_graphs_own_precision_round_by_round(tiny_bundle):
    floors = graph_floors(tiny_bundle, PRECISIONS, 2, PRODUCTS, COPIED)
    work = work_of(tiny_bundle, PRECISIONS, 1, 2)
    macs, copied = float(ceilings.SIDE) ** 3, 2e6 * ceilings.COPY_MB
    expected = [
        [
            1000 * max(work[g].gmacs * 1e9 / macs * PRODUCTS[PRECISIONS[g]].seconds[k],
                       work[g].megabytes * 1e6 / copied * COPIED.seconds[k])
            for g in GRAPHS
        ]
        for k in range(2)
    ]  # fmt: skip
    assert [floor.graph for floor in floors] == list(GRAPHS)
    for floor, *by_round in zip(floors, *expected, strict=True):
        assert floor.by_round == pytest.approx(by_round)
        assert max(floor.compute_ms, floor.memory_ms) <= max(by_round) * 1.001
    assert summed(floors) == pytest.approx([sum(each) for each in expected])


def test_the_fastest_way_to_multiply_is_the_ceiling():
    def way(name):
        return Contender(name, lambda: None)

    found = {"a": Samples([2, 2, 9]), "b": Samples([3, 3, 1]), "c": Samples([1, 1, 1])}
    best = fastest_products({"fp32": [way("a"), way("b")], "int8": [way("c")]}, found)
    assert best == {"fp32": ("a", found["a"]), "int8": ("c", found["c"])}
