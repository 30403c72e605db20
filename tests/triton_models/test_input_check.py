import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oviton.triton_models.input_check import check_inputs
from oviton.triton_models.input_flags import describe
from oviton.triton_models.small_graphs import build_check_graph

BITS = {"person_labels": 1, "densepose": 2, "garment_labels": 4, "garment_densepose": 8, "source": 16}
"""As docs/serving.md says."""

WRONG = {
    "person_labels": 20,
    "densepose": 25,
    "garment_labels": 255,
    "garment_densepose": 200,
    "source": 3,  # of two photographs
}


@pytest.fixture(scope="module")
def session(tiny_bundle):
    return onnxruntime.InferenceSession(build_check_graph(tiny_bundle.manifest).SerializeToString())


@pytest.fixture
def good(tiny_bundle, tiny_requests):
    return {spec.name: tiny_requests[spec.name].copy() for spec in check_inputs(tiny_bundle.manifest)}


def test_good_values_have_no_flag(session, good):
    good["densepose"][..., 1:] = 255  # U and V may be anything
    found, _ = session.run(None, good)
    assert found.tolist() == [[0], [0]]
    assert describe(0) == ""


@settings(max_examples=40, deadline=None)
@given(wrong=st.dictionaries(st.sampled_from(sorted(WRONG)), st.integers(0, 1)), at=st.integers(0, 10**6))
def test_exactly_the_rows_that_are_wrong_are_flagged(session, tiny_bundle, tiny_requests, wrong, at):
    inputs = {spec.name: tiny_requests[spec.name].copy() for spec in check_inputs(tiny_bundle.manifest)}
    wrong = {name: row for name, row in wrong.items() if name in inputs}
    for name, row in wrong.items():
        ids = inputs[name][row, ..., 0] if name.endswith("densepose") else inputs[name][row]
        ids[np.unravel_index(at % ids.size, ids.shape)] = WRONG[name]
    expected = [[sum(BITS[name] for name, row in wrong.items() if row == r)] for r in range(2)]
    found, _ = session.run(None, inputs)
    assert found.dtype == np.int32
    assert found.tolist() == expected


@pytest.mark.parametrize("value", [-2, 3, 2**31 - 1, -(2**31)])
def test_sources_out_of_range(session, good, value):
    good["source"][1, 7] = value
    found, passed_on = session.run(None, good)
    good["source"][1, 7] = -1
    assert np.array_equal(passed_on, good["source"])
    assert found.tolist() == [[0], [BITS["source"]]]


def test_a_sentence_names_every_input_and_what_is_allowed():
    told = describe(BITS["person_labels"] | BITS["garment_densepose"] | BITS["source"], garments=2)
    assert "person_labels holds a label id above 19" in told
    assert "garment_densepose holds a DensePose part above 24" in told
    assert "-1 to 2" in told


@pytest.mark.parametrize("counts", [(0, 0), (9, 9), (2, 1), (1, 2), (8, 9), (1, 0)])
def test_garment_counts_that_cannot_be_make_the_graph_fail(session, tiny_bundle, good, counts):
    for name, array in good.items():
        if name.startswith("garment_"):
            count = counts[name == "garment_images"]
            good[name] = np.repeat(array[:, :1], count, axis=1)
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, good)


@pytest.mark.parametrize("count", [1, 8])
def test_smallest_and_largest_garment_counts_pass(session, good, count):
    repeated = {k: np.repeat(v[:, :1], count, axis=1) if k.startswith("garment_") else v for k, v in good.items()}
    repeated["source"] = np.minimum(repeated["source"], count)
    found, _ = session.run(None, repeated)
    assert found.tolist() == [[0], [0]]
