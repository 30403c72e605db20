import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.data.classes import CLASS_IDS, ids
from oviton.networks.body import BODY_CHANNELS
from oviton.networks.checkpoint import save_checkpoint, untrained_networks
from oviton.networks.config import preset
from oviton.networks.correspondence.coverage import coverage_lookup
from oviton.networks.graphs import ShapeEncoderGraph
from oviton.networks.operators import one_hot
from oviton.networks.warping import AffineLimits
from oviton.training import shape_trainer
from oviton.training.dataset import Dataset, Datasets
from oviton.training.options import TrainOptions
from oviton.training.shape_trainer import ShapeTask, class_shares, dice_loss
from oviton.training.start import copy_weights
from oviton.training.trainer import part_networks

STILL = AffineLimits(0, 0, (1, 1))


def make_task(made, folder):
    size = made.config.height, made.config.width
    return ShapeTask(made, Datasets([Dataset(folder, *size, images=False, body_maps=True, pairs=True)]))


@pytest.fixture
def task(options, paired):
    return make_task(options("shape", pairs=True, batch=8), paired)


@pytest.fixture
def calm(monkeypatch):
    """No chance strikes and nothing moves."""
    monkeypatch.setattr(shape_trainer, "KEPT", STILL)
    monkeypatch.setattr(shape_trainer, "MOVED", STILL)
    monkeypatch.setattr(
        shape_trainer, "chance", lambda shape, share, generator, device: torch.zeros(shape, dtype=torch.bool)
    )
    monkeypatch.setattr(shape_trainer, "CLOSER_SHARE", 0)
    monkeypatch.setattr(shape_trainer, "jitter_coordinates", lambda densepose, generator: densepose)
    monkeypatch.setattr(shape_trainer, "punch_holes", lambda densepose, share, generator: densepose)
    monkeypatch.setattr(shape_trainer, "rough_garments", lambda labels, worn, generator, limit: labels)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_shares_equal_the_pooled_one_hot_map(scale):
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(0, 20, (2, 16, 8)).astype(np.uint8))
    expected = F.avg_pool2d(one_hot(labels, 20, torch.float32), scale)
    assert torch.equal(class_shares(labels, 20, scale), expected)


def test_single_images_are_given_their_own_slices(task, calm):
    task.dataset.pairs.clear()
    raw = task.draw(np.random.default_rng(0))
    batch = task.prepare(raw, torch.Generator())
    found = {(int(row), int(c)): mask for row, c, mask in zip(batch.rows, batch.classes, batch.slices, strict=True)}
    for row, labels in enumerate(raw["labels"]):
        for c in range(20):
            mask = F.avg_pool2d((labels == c).float()[None], 2)[0]
            assert ((row, c) in found) == (mask.sum() > 3)
            if (row, c) in found:
                assert torch.allclose(found[row, c][0], mask, atol=1e-5)
    assert (batch.weight == 1).all()
    assert torch.equal(batch.target.argmax(1).to(torch.uint8), raw["labels"])


def test_codes_of_slices_equal_those_of_the_exported_encoder(task, calm):
    task.dataset.pairs.clear()
    raw = task.draw(np.random.default_rng(0))
    batch = task.prepare(raw, torch.Generator())
    networks = part_networks(task.options)
    graph = ShapeEncoderGraph(task.config)
    graph.shape_encoder = networks.shape_encoder
    seen = []
    networks.shape_generator.forward = lambda codes, body: seen.append(codes) or body
    with torch.no_grad():
        task.forward(networks, batch)
        labels = raw["labels"]
        expected = graph(labels, labels[:, None], torch.zeros(len(labels), 20, dtype=torch.int32))
    strays = class_shares(labels, 20, 2).sum(dim=(2, 3)) <= 3
    expected[strays] = 0
    assert torch.allclose(seen[0], expected, atol=1e-4)


def test_pairs_take_garments_from_the_other_photograph(task, calm):
    raw = task.draw(np.random.default_rng(1))
    assert raw["paired"].tolist() == [True] * 6 + [False] * 2
    batch = task.prepare(raw, torch.Generator())
    found = {(int(row), int(c)): mask[0] for row, c, mask in zip(batch.rows, batch.classes, batch.slices, strict=True)}
    off = {"dress": ids("upper_clothes", "skirt", "pants"), "upper_clothes": ids("dress")}
    off |= {"pants": ids("dress", "skirt"), "skirt": ids("dress", "pants")}
    for row in range(6):
        worn = set(raw["worn"][row].nonzero().flatten().tolist())
        gone = {c for name, others in off.items() if CLASS_IDS[name] in worn for c in others}
        for c in range(20):
            origin = "garment" if c in worn else "before"
            mask = F.avg_pool2d((raw[origin][row] == c).float()[None], 2)[0]
            expected = mask.sum() > 3 and (c in worn or c not in gone)
            assert ((row, c) in found) == expected, (row, c)
            if expected:
                assert torch.allclose(found[row, c], mask, atol=1e-5)
    changed = raw["before"] != raw["labels"]
    assert torch.allclose(batch.weight, 1 + 1.5 * changed.float())
    assert changed[:6].any()


def test_only_garments_and_background_are_moved_far(task, monkeypatch):
    far = []
    real = shape_trainer.random_affine

    def note(limits, count, aspect, generator):
        far.append((limits is shape_trainer.MOVED, count))
        return real(limits, count, aspect, generator)

    monkeypatch.setattr(shape_trainer, "random_affine", note)
    task.dataset.pairs.clear()
    batch = task.prepare(task.draw(np.random.default_rng(2)), torch.Generator().manual_seed(0))
    (_, mild), (moved, wild) = far
    assert moved
    assert mild + wild == len(batch.rows)
    allowed = {0, *ids("hat", "upper_clothes", "dress", "coat", "pants", "skirt", "scarf", "left_shoe", "right_shoe")}
    assert wild > 0
    assert set(batch.classes[mild:].tolist()) <= allowed


def test_bare_skin_is_dropped_half_of_the_time_but_the_face_is_not(task, monkeypatch):
    monkeypatch.setattr(shape_trainer, "CLOSER_SHARE", 0)
    task.dataset.pairs.clear()
    raw = task.draw(np.random.default_rng(2))
    arm, face = ids("left_arm", "face")
    counts = {arm: 0, face: 0}
    for seed in range(40):
        classes = task.prepare(raw, torch.Generator().manual_seed(seed)).classes
        for c in counts:
            counts[c] += int((classes == c).sum())
    people = 40 * 8
    assert counts[arm] / people < 0.65
    assert counts[face] / people > 0.9


def test_mirrored_rows_have_no_coordinates(task, monkeypatch):
    monkeypatch.setattr(shape_trainer, "CLOSER_SHARE", 0)
    raw = task.draw(np.random.default_rng(2))
    mirrored = 0
    for seed in range(10):
        batch = task.prepare(raw, torch.Generator().manual_seed(seed))
        _, body, labels = batch.shown
        for row in range(8):
            if not torch.equal(labels[row], raw["labels"][row]):
                mirrored += 1
                assert body[row, ..., 1:].max() == 0
    assert 4 < mirrored < 24


def test_dice_of_hard_maps():
    a = one_hot(torch.tensor([[[1, 1, 2, 0]]]), 20, torch.float32)
    assert dice_loss(a, a) == pytest.approx(0)
    b = one_hot(torch.tensor([[[1, 2, 2, 0]]]), 20, torch.float32)
    expected = 1 - np.mean([(2 + 1) / (2 + 1), (2 + 1) / (3 + 1), (2 + 1) / (3 + 1)])
    assert float(dice_loss(b, a)) == pytest.approx(expected)


def test_cross_entropy_counts_all_classes_alike_and_changed_pixels_more(task):
    batch = task.prepare(task.draw(np.random.default_rng(0)), torch.Generator())
    logits = torch.randn(batch.target.shape)
    expected = F.cross_entropy(logits, batch.target, reduction="none") * batch.weight
    assert float(task.losses(logits, batch)["ce"]) == pytest.approx(float(expected.mean()), rel=1e-5)
    assert batch.weight.min() == 1
    assert batch.weight.max() > 1


def test_surface_sees_the_pair_photograph_covering_the_body_and_single_images_nothing(options, paired, calm):
    task = make_task(options("shape", pairs=True, batch=8, conditioning="surface"), paired)
    raw = task.draw(np.random.default_rng(1))
    batch = task.prepare(raw, torch.Generator())
    assert batch.body.shape[1] == BODY_CHANNELS + 20
    garment = raw["garment"][:, None]
    places = task.match(raw["densepose"], garment, raw["garment_densepose"][:, None])
    expected = coverage_lookup(places, garment.int(), raw["worn"].int(), 2)
    coverage = batch.body[:, BODY_CHANNELS:]
    assert expected[:6].any()
    assert torch.equal(coverage[:6], expected[:6])
    assert not coverage[6:].any()  # their own photograph would give the answer away
    assert all(each.shape[1] == 20 + BODY_CHANNELS for each in task.judged(batch.target, batch))


def test_surface_shape_starts_as_codes(tmp_path):
    plain = untrained_networks(preset("tiny"), 1)
    save_checkpoint(tmp_path, plain, "shape", "tried")
    networks = part_networks(
        TrainOptions("shape", (tmp_path,), tmp_path, preset="tiny", conditioning="surface", seed=9)
    )
    copy_weights(tmp_path, networks, "shape")
    codes, body = torch.randn(1, 20, 10, 8, 4), torch.rand(1, BODY_CHANNELS, 64, 32)
    with torch.no_grad():
        drawn = networks.shape_generator(codes, torch.cat([body, torch.randn(1, 20, 64, 32)], dim=1))
        assert torch.allclose(drawn, plain.shape_generator(codes, body), atol=1e-5)
