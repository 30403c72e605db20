import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS, LAYERS
from oviton.networks.config import preset
from oviton.networks.correspondence.coverage import Coverage, contradiction, coverage_lookup
from oviton.networks.correspondence.overhang import overhang_lookup
from oviton.networks.graphs import SurfaceShapeGeneratorGraph, graph_specs

TOP, PANTS, ARM = (CLASS_IDS[name] for name in ("upper_clothes", "pants", "left_arm"))


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(array)).to(torch.int32) for array in arrays]


def random_case(seed, count=2, garments=2, height=64, width=32):
    rng = np.random.default_rng(seed)
    body = rng.integers(0, 25, (count, height // 2, width // 2, 3))
    labels = rng.integers(0, 20, (count, garments, height, width))
    maps = rng.integers(0, 25, (count, garments, height, width, 3))
    for each in (body, maps):
        each[..., 1:] = rng.integers(0, 256, (*each.shape[:-1], 2)) * (rng.random((*each.shape[:-1], 1)) < 0.9)
    return tensors(body, labels, maps, rng.integers(-1, garments + 1, (count, 20)))


def naive(body, labels, maps, source):
    """A dictionary of texels a photograph, read level by level, pixel by pixel of the body."""
    body, labels, maps, source = (each.numpy() for each in (body, labels, maps, source))
    count, height, width = body.shape[:3]
    texels = labels.shape[2] // 4
    out = np.zeros((count, 20, height, width), np.float32)
    for n in range(count):
        for m in range(labels.shape[1]):
            finest = {}
            for label, (part, u, v) in zip(labels[n, m].ravel(), maps[n, m].reshape(-1, 3), strict=True):
                if part and u + v:
                    finest[part, u * texels // 256, v * texels // 256] = label
            atlases = [{place: label for place, label in finest.items() if label}]
            for _ in range(4):
                coarser = {}
                for (part, row, column), label in atlases[-1].items():
                    place = (part, row // 2, column // 2)
                    coarser[place] = max(label, coarser.get(place, 0))
                atlases.append(coarser)
            for y in range(height):
                for x in range(width):
                    part, u, v = body[n, y, x]
                    if not part or not u + v:
                        continue
                    for level, atlas in enumerate(atlases):
                        size = texels >> level
                        label = atlas.get((part, u * size // 256, v * size // 256))
                        if label is not None:
                            for c in np.flatnonzero(source[n] == m + 1):
                                beneath = c in LAYERS and LAYERS.get(label, 0) < LAYERS[c]
                                out[n, c, y, x] = 0.8**level * (1 if label == c else -1 if beneath else 0)
                            break
    return out


@pytest.mark.parametrize("seed", range(4))
def test_equals_naive_loops(seed):
    case = random_case(seed, garments=1 + seed % 3)
    coverage = coverage_lookup(*case)
    found = coverage.told.numpy()
    on_body = ((case[0][..., :1] > 0) & (case[0][..., 1:].sum(3, keepdim=True) > 0))[..., 0].numpy()
    assert np.allclose(found * on_body[:, None], naive(*case), atol=1e-6)
    assert (found * ~on_body[:, None]).any() == bool((case[3] > 0).any())  # test_overhang.py says what that is
    nearest, _ = overhang_lookup(case[0], case[1], case[2][:, :, ::2, ::2])
    assert np.allclose(coverage.outline, naive(nearest, *case[1:]) * ~on_body[:, None], atol=1e-6)
    assert coverage.outline.any() == bool((case[3] > 0).any())
    assert torch.equal(coverage.part, nearest[..., 0])
    assert np.array_equal(coverage.on_body, on_body)


def test_a_sleeve_ends_on_the_person_where_it_ends_in_the_photograph():
    """An arm along V, half of it under a sleeve, in another place and of another length on the person."""
    maps = np.zeros((1, 1, 64, 32, 3))
    maps[..., 8:12, 0] = 15
    maps[..., 8:12, 1] = 100
    maps[..., 8:12, 2] = (np.arange(64) * 4)[:, None]
    labels = np.zeros((1, 1, 64, 32))
    labels[..., :32, 8:12], labels[..., 32:, 8:12] = TOP, ARM
    body = np.zeros((1, 64, 32, 3))
    body[:, :20, 3:6, 0], body[:, :20, 3:6, 1] = 15, 100
    body[:, :20, 3:6, 2] = np.linspace(0, 252, 20)[:, None]
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    found = coverage_lookup(*tensors(body, labels, maps, source)).told.numpy()[0]
    assert (found[TOP, :9, 3:6] > 0.5).all()
    assert (found[TOP, 11:20, 3:6] < -0.5).all()
    assert (found[TOP, :20, [2, 6]] < 0).all()  # no cloth hangs clear of the arm
    elsewhere = found[TOP].copy()
    elsewhere[:23, :9] = 0
    assert not elsewhere.any()
    assert not np.delete(found, TOP, axis=0).any()


def test_what_may_hide_a_class_says_nothing_about_it():
    """Trousers under a shirt may go on beneath it, a shirt above trousers ends where they show."""
    body, _, maps, source = random_case(3, count=1, garments=1)
    source[:] = 0
    source[0, [TOP, PANTS]] = 1
    for label, told in ((TOP, {TOP: 1, PANTS: 0}), (PANTS, {TOP: -1, PANTS: 1}), (ARM, {TOP: -1, PANTS: -1})):
        labels = torch.full((1, 1, 64, 32), label, dtype=torch.int32)
        found = coverage_lookup(body, labels, maps, source).told[0]
        for c, sign in told.items():
            assert set(found[c].sign().unique().tolist()) <= {0, sign}, (label, c)
            assert found[c].any() == bool(sign)


def test_body_maps_without_coordinates_tell_nothing():
    body, labels, maps, source = random_case(0)
    flat_body, flat_maps = body.clone(), maps.clone()
    flat_body[..., 1:] = 0
    flat_maps[..., 1:] = 0
    for case in ((flat_body, labels, maps, source), (body, labels, flat_maps, source)):
        found = coverage_lookup(*case)
        assert not found.told.any()
        assert not found.outline.any()


def test_kept_and_removed_classes_have_none():
    body, labels, maps, source = random_case(1)
    for found in coverage_lookup(body, labels, maps, source)[:2]:
        assert not found[source <= 0].any()
        assert found[source > 0].any()


@pytest.mark.parametrize("size", [(64, 32), (256, 128), (512, 256)])
def test_an_atlas_has_room_for_every_sample(size):
    """TensorRT's ScatterElements takes no more updates than there are elements."""
    height, width = size
    assert 25 * (height // 4) ** 2 >= height * width


def test_base_sees_what_small_sees():
    """They share their shape weights: a picture of doubled pixels has the same codes and logits."""
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
        encoder, generator = (specs[f"shape_{part}"].build(config) for part in ("encoder", "generator"))
        torch.manual_seed(0)
        for parameter in (*encoder.parameters(), *generator.parameters()):
            torch.nn.init.normal_(parameter, std=0.1)
        generator.shape_generator.register_forward_hook(lambda module, inputs, logits: seen.append(logits))
        with torch.no_grad():
            codes = encoder(given[0], given[1], source)
            seen.append(codes)
            assert generator(codes, given[2], *given[:2], given[3], source).shape == (1, config.height, config.width)
    for small, base in zip(seen[:2], seen[2:], strict=True):
        torch.testing.assert_close(small, base)


def test_the_generator_follows_coverage_before_any_training():
    config = preset("tiny").with_conditioning("surface")
    spec = graph_specs(config)[1]
    assert [tensor.name for tensor in spec.inputs] == [
        "shape_codes", "densepose", "person_labels", "garment_labels", "garment_densepose", "source",
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
                          garment[:, None], body[:, None], source)  # fmt: skip
        shares.append(((drawn == TOP) & (body[..., 0] > 0)).sum() / (body[..., 0] > 0).sum())
    assert shares[0] > 0.9
    assert shares[1] < 0.1


def test_only_tops_are_contradicted_and_only_where_the_body_is_bare():
    coverage = torch.linspace(-1, 1, 20 * 6).reshape(1, 20, 2, 3)
    coverage[:, TOP] = torch.tensor([[-1.0, -0.5, 0.0], [0.2, 0.8, 1.0]])
    found = contradiction(coverage, torch.zeros_like(coverage))
    tops = [CLASS_IDS[name] for name in ("upper_clothes", "dress", "coat")]
    assert not np.delete(found.numpy(), tops, axis=1).any()
    assert torch.equal(found[0, TOP] / found[0, TOP, 0, 0], torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]))
    assert found[0, TOP, 0, 0] < -1
    assert torch.equal(contradiction(torch.zeros_like(coverage), coverage), found)  # beside the body as on it
    assert torch.equal(contradiction(coverage, coverage), found)


def test_a_top_is_not_drawn_where_its_photograph_shows_bare_skin():
    config = preset("tiny").with_conditioning("surface")
    graph = SurfaceShapeGeneratorGraph(config)
    logits = torch.zeros(1, 20, 64, 32)
    logits[:, TOP], logits[:, ARM] = 2.0, 1.0
    graph.shape_generator.forward = lambda codes, body: logits
    person = torch.full((1, 64, 32), TOP, dtype=torch.uint8)
    source = torch.zeros(1, 20, dtype=torch.int32)
    source[:, TOP] = 1
    coverage = torch.zeros(1, 20, 64, 32)
    coverage[:, TOP, :20], coverage[:, TOP, 20:40] = -1.0, 1.0
    body = torch.zeros(1, 64, 32, 3, dtype=torch.int32)
    nothing = torch.zeros_like(coverage)
    for told, outline in ((coverage, nothing), (nothing, coverage)):
        seen = Coverage(told, outline, body[..., 0], nothing[:, 0])
        drawn = graph.draw(torch.zeros(1, 20, 10, 8, 4), body, person, source, seen)
        assert (drawn[:, :20] == ARM).all()
        assert (drawn[:, 20:] == TOP).all()


def test_no_cloth_hangs_clear_of_a_bare_limb_whose_other_side_was_photographed():
    """Front and back of a limb are charts of their own; beside the one in the photograph nothing tells of the other."""
    maps = np.zeros((1, 1, 64, 32, 3))
    maps[..., 8:12, :] = 15, 100, 100
    maps[..., 6:8, :] = maps[..., 12:14, :] = 17, 100, 100
    labels = np.zeros((1, 1, 64, 32))
    labels[..., 6:14] = ARM
    body = np.zeros((1, 64, 32, 3))
    body[:, :, 8:12] = 15, 100, 100
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    found = coverage_lookup(*tensors(body, labels, maps, source))
    beside = [6, 7, 12, 13]
    assert not found.told[0, TOP][:, beside].any()
    assert (found.outline[0, TOP][:, beside] < -0.5).all()
    assert not found.outline[0, TOP][:, 8:12].any()
    assert (contradiction(*found[:2])[0, TOP][:, 6:14] < -1).all()
