import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from oviton.data.classes import CLASS_IDS, MAY_COVER
from oviton.data.letterbox import Letterbox
from oviton.data.rim import rim_of
from oviton.runtime.framed_photo import FramedPhoto
from oviton.runtime.outfit import plan_outfit
from oviton.runtime.person import Garment, Person
from oviton.runtime.photographs import build_request, restore_result

TOP, FACE = CLASS_IDS["upper_clothes"], CLASS_IDS["face"]


def random_person(seed, height, width):
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, TOP, FACE], (height // 8 + 1, width // 8 + 1)).repeat(8, 0).repeat(8, 1)
    labels[0] = TOP  # one figure
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Person(image, labels[:height, :width].astype(np.uint8), np.zeros_like(image))


def whole(person, height, width):
    """Return all of a person's photograph in the frame."""
    rows, columns = (slice(0, size) for size in person.labels.shape)
    return FramedPhoto(person, (rows, columns), Letterbox.of(person.labels, height, width))


def outfit():
    labels = np.full((4, 4), TOP, np.uint8)
    return plan_outfit([Garment(np.zeros((4, 4, 3), np.uint8), labels, "upper_clothes")])


def test_request_holds_every_input_in_the_networks_frame():
    person = random_person(0, 100, 77)
    labels = np.full((30, 50), TOP, np.uint8)
    garments = [Garment(np.full((30, 50, 3), 9, np.uint8), labels, "upper_clothes")]
    request = build_request(person, garments, plan_outfit(garments), 64, 32)
    assert {name: (array.dtype.name, array.shape) for name, array in request.items()} == {
        "person_image": ("uint8", (1, 64, 32, 3)),
        "person_labels": ("uint8", (1, 64, 32)),
        "densepose": ("uint8", (1, 64, 32, 3)),
        "garment_images": ("uint8", (1, 1, 64, 32, 3)),
        "garment_labels": ("uint8", (1, 1, 64, 32)),
        "garment_densepose": ("uint8", (1, 1, 64, 32, 3)),
        "source": ("int32", (1, 20)),
    }


def test_removal_alone_sends_one_blank_photograph():
    request = build_request(random_person(0, 64, 32), [], plan_outfit([], ["coat"]), 64, 32)
    assert request["garment_images"].shape == (1, 1, 64, 32, 3)
    assert request["garment_labels"].max() == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(8, 200), st.integers(8, 200), st.integers(0, 2**32 - 1))
def test_kept_pixels_are_the_photographs_own_at_any_size(height, width, seed):
    rng = np.random.default_rng(seed)
    person, source = random_person(seed, height, width), outfit().source
    framed = whole(person, 64, 32)
    box = framed.box
    assume(not box.is_identity)  # there the compositor has kept them already
    new_labels = box.fit_labels(person.labels).copy()
    new_labels[rng.random((64, 32)) < 0.3] = TOP
    result = rng.integers(0, 256, (64, 32, 3)).astype(np.uint8)
    image, labels = restore_result(result, new_labels, framed, source)
    assert image.shape == person.image.shape
    rim = rim_of(person.labels, source, box.photo_pixels)
    kept = (labels == person.labels) & (source[labels] == 0) & ~rim
    assert np.array_equal(image[kept], person.image[kept])
    head = person.labels == FACE
    assert np.array_equal(image[head], person.image[head])
    # Where no garment comes near, label and pixel are the photograph's.
    near = np.asarray(Image.fromarray((new_labels == TOP).astype(np.uint8)).filter(ImageFilter.MaxFilter(5))) > 0
    alone = (box.restore_labels(near.astype(np.uint8)) == 0) & (person.labels != TOP)
    assert np.array_equal(labels[alone], person.labels[alone])
    assert set(np.unique(labels)) <= {0, TOP, FACE}


@pytest.mark.parametrize("size", [(200, 90), (131, 203)])
@pytest.mark.parametrize("worn", [True, False])
def test_only_the_part_that_changes_is_looked_at(size, worn, monkeypatch):
    rng = np.random.default_rng(size[0])
    labels = rng.choice([0, FACE, CLASS_IDS["pants"]], size).astype(np.uint8)
    labels[40:90, 30:70] = TOP
    labels[55:57, 40:50] = CLASS_IDS["torso_skin"]
    person = Person(rng.integers(0, 256, (*size, 3)).astype(np.uint8), labels, np.zeros((*size, 3), np.uint8))
    framed = whole(person, 64, 32)
    box = framed.box
    new_labels = box.fit_labels(labels).copy()
    new_labels[10:14, 8:12] = TOP
    result = rng.integers(0, 256, (64, 32, 3)).astype(np.uint8)
    source = outfit().source if worn else np.zeros(20, np.int32)
    before = person.image.copy(), labels.copy()
    image, found = restore_result(result, new_labels, framed, source)
    changed = (image != person.image).any() or (found != labels).any()
    assert changed == worn
    assert np.array_equal(person.image, before[0])
    assert np.array_equal(person.labels, before[1])
    monkeypatch.setattr("oviton.runtime.photographs._changing_window", lambda *_: box.whole)
    whole_image, whole_found = restore_result(result, new_labels, framed, source)
    assert np.abs(image.astype(int) - whole_image).max() <= 2  # as data/test_letterbox.py says of windows
    assert np.array_equal(found, whole_found)


def test_a_silhouette_keeps_the_photographs_detail():
    """A notch of background as wide as its rim is not painted over; a speck, all rim, is."""
    labels = np.zeros((128, 64), np.uint8)
    labels[20:100, 20:44] = TOP
    labels[57:62, 20:23] = 0
    labels[80:82, 30:32] = 0
    rng = np.random.default_rng(0)
    person = Person(rng.integers(0, 256, (128, 64, 3)).astype(np.uint8), labels, np.zeros((128, 64, 3), np.uint8))
    framed = whole(person, 64, 32)
    result = np.full((64, 32, 3), 200, np.uint8)
    image, found = restore_result(result, framed.box.fit_labels(labels), framed, outfit().source)
    assert np.array_equal(image[59, 18:20], person.image[59, 18:20])
    assert not (image[57:62, 20:23] == 200).all(axis=2).any()
    assert (image[30:90, 25:42] == 200).all()
    assert (found[80:82, 30:32] == 0).all()


def test_a_collar_that_closes_leaves_no_line():
    """Skin that the new garment covers is covered up to its last pixel, whatever the border looked like coarsely."""
    labels = np.full((128, 64), TOP, np.uint8)
    labels[31:57, 21:43] = CLASS_IDS["torso_skin"]
    person = Person(np.zeros((128, 64, 3), np.uint8), labels, np.zeros((128, 64, 3), np.uint8))
    result = np.full((64, 32, 3), 200, np.uint8)
    drawn = np.full((64, 32), TOP, np.uint8)
    _, found = restore_result(result, drawn, whole(person, 64, 32), outfit().source)
    assert (found == TOP).all()


def test_at_native_size_it_is_the_networks_result():
    person, source = random_person(1, 64, 32), outfit().source
    rng = np.random.default_rng(0)
    labels = rng.choice([0, TOP, FACE], (64, 32)).astype(np.uint8)
    kept = (labels == person.labels) & (labels != TOP)
    result = np.where(kept[..., None], person.image, rng.integers(0, 256, (64, 32, 3))).astype(np.uint8)
    image, found = restore_result(result, labels, whole(person, 64, 32), source)
    assert np.array_equal(image, result)
    assert np.array_equal(found, labels)


@pytest.mark.parametrize("field", ["image", "labels", "densepose"])
def test_arrays_of_different_sizes_are_refused(field):
    arrays = {
        "image": np.zeros((8, 8, 3), np.uint8),
        "labels": np.zeros((8, 8), np.uint8),
        "densepose": np.zeros((8, 8, 3), np.uint8),
    }
    arrays[field] = arrays[field][:4]
    with pytest.raises(ValueError, match="both must have one size"):
        Person(**arrays)


def test_every_class_covers_what_it_may_cover_and_nothing_else():
    own, drawn = (grid.astype(np.uint8) for grid in np.meshgrid(np.arange(20), np.arange(20)))
    source = np.zeros(20, np.int32)
    source[[CLASS_IDS[name] for name in ("upper_clothes", "scarf", "hat", "left_shoe", "right_shoe")]] = 1
    large = own.repeat(8, 0).repeat(8, 1)  # twice the network's frame
    person = Person(np.zeros((160, 160, 3), np.uint8), large, np.zeros((160, 160, 3), np.uint8))
    small = drawn.repeat(4, 0).repeat(4, 1)
    picture = np.full((80, 80, 3), 200, np.uint8)
    _, labels = restore_result(picture, small, whole(person, 80, 80), source)
    for a, b in np.ndindex(20, 20):
        touched, covers = source[b] != 0, source[a] != 0 and MAY_COVER[a, b]
        found = labels[8 * a + 2 : 8 * a + 6, 8 * b + 2 : 8 * b + 6]
        assert (found == (a if touched or covers else b)).all(), (a, b)
