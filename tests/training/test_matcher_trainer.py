"""Training of the learned correspondence: what it is shown is true, and it goes on where it stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from oviton.data.errors import InputError
from oviton.networks.correspondence.matcher import grid, sample
from oviton.training.loop import STATE_NAME
from oviton.training.matcher_trainer import (
    CONFIG,
    SIZE,
    MatcherOptions,
    find_pairs,
    matching_losses,
    moved,
    read_pair,
    stack,
    train_matcher,
)
from oviton.training.start import load_matcher
from oviton.wardrobe.render import WardrobeSettings, render_people


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs") / "people"
    render_people(folder, WardrobeSettings(seed=3, height=256, width=128), 6, workers=1)
    return folder


@pytest.fixture(scope="module")
def batch(people):
    return stack([read_pair(*pair) for pair in find_pairs(people)])


def labels_at(raw):
    """Return what the garments' photographs show at the person's places."""
    shown = torch.nn.functional.one_hot(raw["garment_labels"].long(), 20).permute(0, 3, 1, 2).float()
    return sample(shown, raw["places"].float()).argmax(dim=1)


def test_pairs_are_read_at_the_working_size(batch):
    assert batch["body"].shape == (6, *SIZE, 3)
    assert batch["places"].shape == (6, 2, *SIZE)
    seen = batch["known"] == 2
    assert 0.05 < seen.float().mean() < 0.6
    assert (labels_at(batch)[seen] > 0).float().mean() > 0.97  # somebody, not the background


def test_a_moved_photograph_shows_the_same_at_the_moved_places(batch):
    there = moved(batch, torch.Generator().manual_seed(5))
    assert not torch.equal(there["garment_labels"], batch["garment_labels"])
    seen = (there["known"] == 2) & (batch["known"] == 2)
    assert seen.sum() > 1000
    assert (labels_at(there)[seen] == labels_at(batch)[seen]).float().mean() > 0.93
    gone = (batch["known"] == 2) & (there["known"] == 1)
    beyond = ((there["places"] <= 0) | (there["places"] >= 1)).any(dim=1)
    assert torch.equal(gone, beyond & (batch["known"] == 2))


def test_the_truth_costs_nothing_and_a_pixel_costs_a_pixel():
    places = grid(SIZE, torch.device("cpu")).expand(2, -1, -1, -1)
    known = torch.full((2, *SIZE), 2)
    sure = torch.full((2, 1, *SIZE), 20.0)

    def found(places):
        return [(each[:, :, step // 2 :: step, step // 2 :: step], sure[:, :, ::step, ::step]) for each, step in
                ((places, 4), (places, 2), (places, 1))]  # fmt: skip

    nothing = matching_losses(found(places), places, known)
    assert float(nothing["places"]) == pytest.approx(1.75 * 0.1)  # 0.1: the distance is smooth at 0
    assert float(nothing["seen"]) < 1e-6
    right = places + torch.tensor([3 / SIZE[1], 4 / SIZE[0]]).view(1, 2, 1, 1)
    assert float(matching_losses(found(right), places, known)["places"]) == pytest.approx(1.75 * 5, rel=1e-3)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(people, tmp_path):
    options, parts = (MatcherOptions.of(tmp_path / name, [people], steps=3, batch=2) for name in ("whole", "parts"))
    train_matcher(options)
    train_matcher(replace(parts, until=1))
    path = train_matcher(parts)
    whole, resumed = (load_file(each.output / STATE_NAME) for each in (options, parts))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    weights = load_matcher(path.parent, CONFIG).state_dict()
    assert torch.equal(weights["correspondence.sureness"], resumed["average.sureness"])


@pytest.mark.more
def test_it_learns(people, tmp_path, capsys):
    train_matcher(MatcherOptions.of(tmp_path, [people], steps=60, batch=2, learning_rate=1e-3))
    losses = [float(line.split("places ")[1].split(",")[0]) for line in capsys.readouterr().out.splitlines()[1:]]
    assert losses[-1] < 0.9 * losses[0]


def test_people_without_correspondence_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"pairs\.csv: cannot be read"):
        find_pairs(tmp_path)
    (tmp_path / "pairs.csv").write_text("person,garment,before,classes,shared\na,b,,pants,all\n")
    with pytest.raises(InputError, match=r"no pair has a correspondence\.npz; render the people anew"):
        find_pairs(tmp_path)


def test_pictures_of_another_shape_are_refused(people):
    person, garment = find_pairs(people)[0]
    body = np.zeros((100, 50, 3), np.uint8)
    original = (garment / "densepose.png").read_bytes()
    try:
        Image.fromarray(body).save(garment / "densepose.png")
        with pytest.raises(InputError, match="100x50: allowed: 128x64 and multiples"):
            read_pair(person, garment)
    finally:
        (garment / "densepose.png").write_bytes(original)
