"""Reading what a built plan computes from TensorRT's own description of it."""

import json

import pytest

from oviton.data.errors import GateError
from oviton.engines.tensorrt.network import NetworkSummary


def described(*layers):
    """The inspector's JSON, in the form that its documentation gives."""
    return json.dumps(
        {
            "Layers": [
                {"Name": name, "LayerType": kind, "Inputs": [{"Name": "x", "Format/Datatype": datatype}], "Outputs": []}
                for name, kind, datatype in layers
            ],
            "Bindings": [],
        }
    )


def test_half_precision_is_told_from_single():
    summary = NetworkSummary.of_plan(
        described(
            ("a", "CaskConvolution", "Half"),
            ("b", "CaskGemmConvolution", "FP32 NCHW"),
            ("c", "gemm", "Channel major FP16 format"),
            ("d", "kgen", "Float"),
        )
    )
    assert (summary.layers, summary.multiplying, summary.fp16, summary.convolutions) == (4, 3, 2, 2)
    assert summary.fp16_share == pytest.approx(2 / 3)
    with pytest.raises(GateError, match=r"g: FP16 was asked for, but 1 of 2 convolutions of the plan .* the first b;"):
        summary.check_fp16("g", "plan")


def test_a_plan_that_names_no_types_is_not_judged():
    assert NetworkSummary.of_plan(json.dumps({"Layers": ["conv1", "conv2"]})) is None
    assert NetworkSummary.of_plan(described(("fused", "Myelin", "Half"))) is None
