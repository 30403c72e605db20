import numpy as np
import pytest
import torch

from oviton.networks.config import preset
from oviton.networks.graphs import graph_specs


@pytest.mark.parametrize("conditioning", ["codes", "surface"])
def test_ids_out_of_range_are_never_read_out_of_bounds(conditioning):
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


@pytest.mark.parametrize("conditioning", ["codes", "surface"])
def test_values_out_of_range_count_as_unlabelled(conditioning):
    torch.manual_seed(0)
    config = preset("tiny").with_conditioning(conditioning)
    bad = _request(config, seed=1)
    bad["person_labels"][0, 10:20] = 20
    bad["garment_labels"][0, 1, :9] = 255
    bad["densepose"][0, 5:9, :, 0] = 25
    bad["garment_densepose"][0, 0, 30:40, :, 0] = 200
    bad["source"][0, 5] = 3  # there are two garment photographs
    bad["source"][0, 9] = -7
    mended = {name: value.clone() for name, value in bad.items()}
    mended["person_labels"][0, 10:20] = 0
    mended["garment_labels"][0, 1, :9] = 0
    mended["densepose"][0, 5:9] = 0
    mended["garment_densepose"][0, 0, 30:40] = 0
    mended["source"][0, 5] = mended["source"][0, 9] = -1
    for spec in graph_specs(config):
        names = [tensor.name for tensor in spec.inputs]
        # Without garment photographs a graph cannot know how many there are.
        knows = "garment_labels" in names
        module = spec.build(config)
        with torch.no_grad():
            for values in (bad, mended):
                given = values if knows else {**values, "source": mended["source"]}
                outputs = module(*(given[name] for name in names))
                listed = outputs if isinstance(outputs, tuple) else (outputs,)
                values.update({tensor.name: value for tensor, value in zip(spec.outputs, listed, strict=False)})
        for tensor in spec.outputs:
            assert torch.equal(bad[tensor.name], mended[tensor.name]), f"{spec.name}: {tensor.name}"


def _request(config, seed):
    rng = np.random.default_rng(seed)
    size = (config.height, config.width)
    shapes = {
        "person_image": (256, (1, *size, 3)),
        "person_labels": (20, (1, *size)),
        "densepose": (25, (1, *size, 3)),
        "garment_images": (256, (1, 2, *size, 3)),
        "garment_labels": (20, (1, 2, *size)),
        "garment_densepose": (25, (1, 2, *size, 3)),
    }
    values = {name: torch.from_numpy(rng.integers(0, top, s).astype(np.uint8)) for name, (top, s) in shapes.items()}
    values["source"] = torch.from_numpy(rng.integers(-1, 3, (1, 20)).astype(np.int32))
    return values
