"""Changes of crops: what is known stays true, and nothing else changes."""

import numpy as np
import pytest
from PIL import Image

from oviton.data.classes import CLASS_IDS
from oviton.training.crop_changes import carry_bag, change_picture, enlarge_hair, recolour, worn_colour
from oviton.training.parser_samples import Crop

HAIR, FACE, SHIRT = (1 << CLASS_IDS[name] for name in ("hair", "face", "upper_clothes"))
UPPER_OR_DRESS = SHIRT | 1 << CLASS_IDS["dress"]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture
def crop(rng: np.random.Generator) -> Crop:
    sets = np.ones((96, 64), np.uint32)
    sets[20:34, 26:38] = HAIR
    sets[24:38, 28:36] = FACE
    sets[38:80, 20:44] = SHIRT
    sets[60:80, 20:44] = UPPER_OR_DRESS
    person = (sets != 1)[::2, ::2]
    colours = {1: (40, 160, 60), HAIR: (90, 50, 20), FACE: (220, 180, 160), SHIRT: (30, 30, 120)}
    image = np.zeros((192, 128, 3), np.uint8)
    for bits in np.unique(sets):
        image[(sets == bits).repeat(2, 0).repeat(2, 1)] = colours.get(int(bits), (30, 30, 120))
    body = np.zeros((48, 32, 3), np.uint8)
    body[person] = (2, 100, 100)
    return Crop(image, sets, body, person.astype(np.uint8), np.zeros((4, 48, 32), np.float32))


def test_only_one_region_is_recoloured(crop: Crop, rng: np.random.Generator) -> None:
    before, known = crop.image.copy(), crop.sets.copy()
    for _ in range(12):
        crop.image = before.copy()
        recolour(crop, rng)
        changed = (crop.image != before).any(axis=2)
        (inside,) = (bits for bits in (HAIR, SHIRT) if changed[1::2, 1::2][crop.sets == bits].mean() > 0.9)
        border = np.zeros_like(changed)
        where = (known == inside).repeat(2, 0).repeat(2, 1)
        for shift in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            border |= np.roll(where, shift, (0, 1))
        assert not changed[~(where | border)].any()
    assert np.array_equal(crop.sets, known)


def test_pixels_that_may_be_two_classes_keep_their_colour(crop: Crop, rng: np.random.Generator) -> None:
    crop.sets[crop.sets != 1] = UPPER_OR_DRESS
    before = crop.image.copy()
    recolour(crop, rng)
    assert np.array_equal(crop.image, before)


def test_a_worn_colour_is_that_of_something_worn(crop: Crop, rng: np.random.Generator) -> None:
    found = {tuple(worn_colour(crop, rng)) for _ in range(12)}
    assert found == {(90, 50, 20), (30, 30, 120)}  # hair and shirt; a face is skin
    crop.sets[:] = 1
    assert worn_colour(crop, rng) is None


def test_larger_hair_grows_over_the_background_and_never_over_the_face(crop: Crop, rng: np.random.Generator) -> None:
    before, sets = crop.image.copy(), crop.sets.copy()
    enlarge_hair(crop, rng)
    new = crop.sets != sets
    assert new.sum() > 20
    assert (crop.sets[new] == HAIR).all()
    assert np.isin(sets[new], (1, SHIRT)).all()
    assert np.abs(crop.image[1::2, 1::2][new].astype(int) - (90, 50, 20)).mean() < 25  # it looks like hair
    assert (crop.presence[new[::2, ::2]] == 1).all()
    assert (crop.body[new[::2, ::2], 0] == 255).all()
    assert np.array_equal(crop.image[::2, ::2][sets == FACE], before[::2, ::2][sets == FACE])


def test_a_head_without_hair_stays(crop: Crop, rng: np.random.Generator) -> None:
    crop.sets[crop.sets == HAIR] = 1
    before = crop.image.copy()
    enlarge_hair(crop, rng)
    assert np.array_equal(crop.image, before)


def test_pictures_change_and_keep_their_form(crop: Crop, rng: np.random.Generator) -> None:
    for _ in range(8):
        changed = change_picture(crop.image, rng)
        assert (changed.shape, changed.dtype) == (crop.image.shape, np.uint8)
        assert (changed != crop.image).any()


def test_what_a_bag_hides_is_background(crop: Crop, rng: np.random.Generator) -> None:
    bag = Image.new("RGBA", (60, 50), (250, 10, 10, 255))
    before, sets = crop.image.copy(), crop.sets.copy()
    carry_bag(crop, bag, rng)
    red = (crop.image == (250, 10, 10)).all(axis=2)
    assert red.sum() > 50
    hidden = red[1::2, 1::2]
    assert (crop.sets[hidden] == 1).all()
    assert (crop.presence[red[2::4, 2::4]] == 255).all()
    assert np.array_equal(crop.sets[~np.roll(hidden, 1) & ~hidden], sets[~np.roll(hidden, 1) & ~hidden])
    assert np.array_equal(crop.image[:20], before[:20])  # bags are not carried on the head
