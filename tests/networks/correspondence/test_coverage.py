import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS, LAYERS
from oviton.networks.config import preset
from oviton.networks.correspondence.coverage import coverage_lookup
from oviton.networks.correspondence.matcher import grid
from oviton.networks.correspondence.places import UNITS, to_units
from oviton.networks.graphs import graph_specs

TOP, PANTS, ARM = (CLASS_IDS[name] for name in ("upper_clothes", "pants", "left_arm"))


def own_places(height, width):
    return to_units(grid((height, width), torch.device("cpu")), torch.ones(1, 1, height, width))[:, None]


def random_case(seed, count=2, garments=2):
    rng = np.random.default_rng(seed)
    places = rng.integers(0, UNITS + 1, (count, garments, 3, 16, 8))
    labels = rng.integers(0, 20, (count, garments, 64, 32))
    source = rng.integers(-1, garments + 1, (count, 20))
    return [torch.from_numpy(each).to(torch.int32) for each in (places, labels, source)]


def naive(places, labels, source):
    places, labels, source = (each.numpy() for each in (places, labels, source))
    count, garments, _, height, width = places.shape
    out = np.zeros((count, 20, height, width), np.float32)
    for n, m, y, x in np.ndindex(count, garments, height, width):
        column, row, seen = places[n, m, :, y, x] / UNITS
        label = labels[n, m, min(63, int(row * 64)), min(31, int(column * 32))]
        for c in np.flatnonzero(source[n] == m + 1):
            beneath = c in LAYERS and LAYERS.get(label, 0) < LAYERS[c]
            out[n, c, y, x] = seen * (1 if label == c else -1 if beneath else 0)
    return out


@pytest.mark.parametrize("seed", range(4))
def test_equals_naive_loops(seed):
    case = random_case(seed, garments=1 + seed % 3)
    assert np.allclose(coverage_lookup(*case, 1).numpy(), naive(*case), atol=1e-6)


def test_a_sleeve_ends_on_the_person_where_it_ends_in_the_photograph():
    labels = torch.zeros(1, 1, 64, 32, dtype=torch.int32)
    labels[..., :32, 8:12], labels[..., 32:, 8:12] = TOP, ARM
    source = torch.zeros(1, 20, dtype=torch.int32)
    source[0, TOP] = 1
    found = coverage_lookup(own_places(32, 16), labels, source, 2)[0]
    assert (found[TOP, :31, 8:12] == 1).all()
    assert (found[TOP, 33:, 8:12] == -1).all()
    assert not found[[c for c in range(20) if c != TOP]].any()


def test_what_may_hide_a_class_says_nothing_about_it():
    """Trousers under a shirt may go on beneath it, a shirt above trousers ends where they show."""
    source = torch.zeros(1, 20, dtype=torch.int32)
    source[0, [TOP, PANTS]] = 1
    for label, told in ((TOP, {TOP: 1, PANTS: 0}), (PANTS, {TOP: -1, PANTS: 1}), (ARM, {TOP: -1, PANTS: -1})):
        labels = torch.full((1, 1, 64, 32), label, dtype=torch.int32)
        found = coverage_lookup(own_places(16, 8), labels, source, 2)[0]
        for c, sign in told.items():
            assert (found[c] == sign).all(), (label, c)


def test_base_sees_what_small_sees():
    """They share their weights: a picture of doubled pixels has the same places, codes and logits."""
    rng = np.random.default_rng(2)
    person, labels = rng.integers(0, 20, (1, 256, 128)), rng.integers(0, 20, (1, 2, 256, 128))
    body, maps = rng.integers(0, 25, (1, 256, 128, 3)), rng.integers(0, 25, (1, 2, 256, 128, 3))
    source = torch.from_numpy(rng.integers(-1, 3, (1, 20))).to(torch.int32)
    seen = []
    for name in ("small", "base"):
        config = preset(name).with_conditioning("surface")
        times = config.height // 256
        given = [
            torch.from_numpy(each.repeat(times, rows).repeat(times, rows + 1)).to(torch.uint8)
            for each, rows in ((person, 1), (labels, 2), (body, 1), (maps, 2))
        ]
        specs = {spec.name: spec for spec in graph_specs(config)}
        graphs = [specs[name].build(config) for name in ("correspondence", "shape_encoder", "shape_generator")]
        torch.manual_seed(0)
        for parameter in (parameter for graph in graphs for parameter in graph.parameters()):
            torch.nn.init.normal_(parameter, std=0.1)
        matcher, encoder, generator = graphs
        with torch.no_grad():
            places, codes = matcher(given[2], given[1], given[3]), encoder(given[0], given[1], source)
            seen += [places, codes]
            drawn = generator(codes, given[2], given[0], places, given[1], source)
            seen.append(generator.shape_generator(codes, generator.body(given[2]).repeat(1, 2, 1, 1)[:, :47]))
            assert drawn.shape == (1, config.height, config.width)
    for small, base in zip(seen[:3], seen[3:], strict=True):
        torch.testing.assert_close(small, base)


def test_the_generator_follows_coverage_before_any_training():
    config = preset("tiny").with_conditioning("surface")
    spec = next(spec for spec in graph_specs(config) if spec.name == "shape_generator")
    assert [tensor.name for tensor in spec.inputs] == [
        "shape_codes", "densepose", "person_labels", "places", "garment_labels", "source",
    ]  # fmt: skip
    torch.manual_seed(0)
    graph = spec.build(config)
    body = torch.zeros(1, 64, 32, 3, dtype=torch.uint8)
    body[:, 10:50, 8:24, 0] = 2
    body[:, 10:50, 8:24, 1:] = torch.randint(1, 256, (40, 16, 2), dtype=torch.uint8)
    source = torch.zeros(1, 20, dtype=torch.int32)
    source[0, [TOP, PANTS]] = 1
    shares = []
    for label in (TOP, PANTS):
        garment = torch.where(body[..., 0] > 0, label, 0).to(torch.uint8)
        with torch.no_grad():
            drawn = graph(torch.zeros(1, 20, config.shape_code, 8, 4), body, torch.zeros_like(garment),
                          own_places(32, 16), garment[:, None], source)  # fmt: skip
        shares.append(((drawn == TOP) & (body[..., 0] > 0)).sum() / (body[..., 0] > 0).sum())
    assert shares[0] > 0.9
    assert shares[1] < 0.1
