import numpy as np
import pytest
import torch

from oviton.networks.config import preset
from oviton.networks.graphs import graph_specs


@pytest.mark.parametrize("conditioning", ["codes", "surface"])
def test_ids_out_of_range_are_clamped_never_read_out_of_bounds(conditioning):
    """On a server, nothing but the graph itself stands between a client's bytes and a gather."""
    torch.manual_seed(0)
    config = preset("tiny").with_conditioning(conditioning)
    rng = np.random.default_rng(0)
    sizes = {"N": 2, "M": 3}
    values = {}
    for spec in graph_specs(config):
        module = spec.build(config)
        for tensor in spec.inputs:
            shape = [sizes.get(d, d) for d in tensor.shape]
            if tensor.dtype == "uint8":
                made = rng.integers(0, 256, shape).astype(np.uint8)
            elif tensor.name == "source":
                made = rng.integers(-100, 100, shape).astype(np.int32)
            else:
                continue
            values.setdefault(tensor.name, torch.from_numpy(made))
        with torch.no_grad():
            outputs = module(*(values[t.name] for t in spec.inputs))
        listed = outputs if isinstance(outputs, tuple) else (outputs,)
        for tensor, value in zip(spec.outputs, listed, strict=False):
            assert torch.isfinite(value.float()).all()
            values[tensor.name] = value
    assert values["labels"].max() < 20
