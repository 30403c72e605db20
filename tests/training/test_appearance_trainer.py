import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS, GARMENTS
from oviton.networks.graphs import AppearanceEncoderGraph, SurfaceAppearanceGeneratorGraph
from oviton.networks.operators import to_uint8_image
from oviton.training import appearance_trainer
from oviton.training.appearance_trainer import AppearanceTask
from oviton.training.dataset import Dataset, Datasets
from oviton.training.trainer import part_networks


@pytest.fixture
def task(options, paired):
    def make(conditioning, pairs=False):
        made = options("appearance", pairs=pairs, batch=4, conditioning=conditioning, weights={"perceptual": 0})
        size = made.config.height, made.config.width
        return AppearanceTask(made, Datasets([Dataset(paired, *size, images=True, body_maps=True, pairs=pairs)]))

    return make


def _batch(task, seed=0):
    return task.prepare(task.draw(np.random.default_rng(seed)), torch.Generator().manual_seed(seed))


def test_only_garments_come_from_the_garment_photograph(task):
    made = task("codes")
    sources = torch.cat([_batch(made, seed).source for seed in range(10)])
    others = [c for c in range(20) if c not in GARMENTS]
    assert sources[:, others].max() == 0
    assert 0.5 < (sources[:, list(GARMENTS)] == 1).float().mean() < 0.95
    assert sources[:, CLASS_IDS["left_arm"]].min() == -1
    assert sources[:, CLASS_IDS["hair"]].min() == 0


def test_pairs_bring_the_other_photograph_and_its_classes(task, monkeypatch):
    made = task("surface", pairs=True)
    raw = made.draw(np.random.default_rng(0))
    assert (raw["image"] != raw["garment_image"]).flatten(1).any(dim=1).tolist() == [True, True, False, False]
    batch = made.prepare(raw, torch.Generator().manual_seed(0))
    assert not ((batch.source > 0) & ~raw["worn"]).any()


def test_colours_change_alike_in_source_and_target(task, monkeypatch):
    # Without moves and other faults, the person's own copy is the target.
    made = task("codes")
    monkeypatch.setattr(appearance_trainer, "soften", lambda image, generator: image)
    monkeypatch.setattr(appearance_trainer, "OWN_COPY", appearance_trainer.AffineLimits(0, 0, (1, 1)))
    batch = _batch(made)
    assert torch.allclose(batch.sources[:, 0], batch.target, atol=1e-5)
    assert not torch.allclose(batch.sources[:, 1], batch.target, atol=0.1)


def test_weights_follow_the_classes(task):
    made = task("surface")
    batch = _batch(made)
    weight = batch.weight.squeeze(1)
    exact = batch.labels == batch.target_labels
    worn = batch.source.gather(1, batch.target_labels.flatten(1).long()).reshape(weight.shape) > 0
    background = batch.target_labels == 0
    assert (weight[exact & worn] == 1).all()
    assert torch.allclose(weight[exact & background], torch.tensor(0.1))
    assert (weight[exact & ~worn & ~background] == 0.5).all()
    assert (weight[~exact] == 0).all()


def test_lookup_is_dirty_but_of_the_garment(task):
    made = task("surface")
    errors, shares = [], []
    for seed in range(6):
        batch = _batch(made, seed)
        worn = batch.source.gather(1, batch.labels.flatten(1).long()).reshape(batch.labels.shape) > 0
        assert batch.lookup[:, 3][~worn].max() == 0
        sure = worn & (batch.lookup[:, 3] > 0.4)  # an untrained matcher is sure of nothing
        shares.append(sure.sum() / worn.sum())
        colour = batch.lookup[:, :3] / batch.lookup[:, 3:].clamp(min=1e-3)
        errors.append((colour - batch.target).abs().mean(dim=1)[sure].mean())
    assert 0.2 < np.mean(shares) < 0.999
    assert 0.02 < np.mean(errors) < 0.4


def test_codes_conditioning_looks_nothing_up(task):
    assert _batch(task("codes")).lookup is None


def test_forward_equals_the_exported_graphs(task, monkeypatch):
    made = task("surface")
    monkeypatch.setattr(
        appearance_trainer, "chance", lambda shape, share, generator, device: torch.zeros(shape, dtype=torch.bool)
    )
    batch = _batch(made)
    networks = part_networks(made.options)
    encoder, generator = AppearanceEncoderGraph(made.config), SurfaceAppearanceGeneratorGraph(made.config)
    encoder.appearance_encoder = networks.appearance_encoder
    generator.appearance_generator = networks.appearance_generator
    # Graphs take uint8 pictures, so give the trainer what they will see.
    pictures = to_uint8_image(batch.sources.flatten(0, 1))
    sources = (pictures.permute(0, 3, 1, 2) / 127.5 - 1).reshape(batch.sources.shape)
    own, garment = pictures.reshape(4, 2, *pictures.shape[1:]).unbind(1)
    own_labels, garment_labels = batch.source_labels.unbind(1)
    places = made.match(batch.densepose, garment_labels[:, None], batch.densepose[:, None])
    lookup = appearance_trainer.surface_lookup(
        batch.labels, places, garment[:, None], garment_labels[:, None], batch.source
    )
    same = appearance_trainer.AppearanceBatch(
        **{**batch.__dict__, "sources": sources, "lookup": lookup, "known": torch.ones(4, 20)}
    )
    with torch.no_grad():
        picture = made.forward(networks, same)
        codes = encoder(own, own_labels, garment[:, None], garment_labels[:, None], batch.source)
        _, expected = generator(
            batch.labels,
            codes,
            batch.densepose,
            places,
            garment[:, None],
            garment_labels[:, None],
            batch.source,
        )
    assert torch.allclose(picture, expected, atol=1e-4)


@pytest.mark.parametrize("conditioning", ["codes", "surface"])
def test_sheets_show_five_pictures_a_row(conditioning, task):
    made = task(conditioning)
    batch = _batch(made)
    rows = made.sheet(batch.target, batch)
    assert [len(row) for row in rows] == [5] * 4
    assert all(picture.shape == (64, 32, 3) and picture.dtype == np.uint8 for row in rows for picture in row)
