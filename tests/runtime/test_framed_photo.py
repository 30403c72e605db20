from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oviton.data.classes import CLASS_IDS
from oviton.runtime.framed_photo import MARGIN, WORTH, FramedPhoto, frame_part
from oviton.runtime.outfit import plan_outfit
from oviton.runtime.person import Garment, Person
from oviton.runtime.photographs import build_request, restore_result
from oviton.runtime.subject import Subject

TOP, FACE = CLASS_IDS["upper_clothes"], CLASS_IDS["face"]

sizes = st.one_of(st.integers(1, 12), st.integers(1, 300))
frames = st.sampled_from([(64, 32), (32, 64), (48, 36), (50, 27)])


@st.composite
def boxes(draw):
    """Return a photograph's height and width and a person's left, top, right and bottom, often at a border."""
    spans = []
    for size in (draw(sizes), draw(sizes)):
        start = draw(st.one_of(st.just(0), st.integers(0, size - 1)))
        spans.append((size, start, draw(st.one_of(st.just(size), st.integers(start + 1, size)))))
    (height, top, bottom), (width, left, right) = spans
    return (height, width), (left, top, right, bottom)


def photo_of(size, box, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    labels = np.zeros(size, np.uint8)
    left, top, right, bottom = box
    labels[top:bottom, left:right] = rng.choice([TOP, FACE], (bottom - top, right - left))
    return Person(image, labels, np.zeros_like(image))


def outfit():
    labels = np.full((4, 4), TOP, np.uint8)
    return plan_outfit([Garment(np.zeros((4, 4, 3), np.uint8), labels, "upper_clothes")])


def scale(part, frame):
    return min(Fraction(frame[axis], part[axis].stop - part[axis].start) for axis in (0, 1))


@settings(deadline=None, max_examples=400)
@given(boxes(), frames)
def test_the_part_is_the_person_with_room(photo_box, frame):
    photo, box = photo_box
    part = frame_part(Subject(box), photo, frame)
    spans = ((box[1], box[3]), (box[0], box[2]))
    whole = scale((slice(0, photo[0]), slice(0, photo[1])), frame)
    for cut, (start, stop), size in zip(part, spans, photo, strict=True):
        assert 0 <= cut.start <= start < stop <= cut.stop <= size
    if part == (slice(0, photo[0]), slice(0, photo[1])):
        return
    assert float(scale(part, frame) / whole) >= WORTH - 1e-9
    wanted = [(1 + 2 * MARGIN) * (stop - start) for start, stop in spans]
    unit = max(wanted[0] / frame[0], wanted[1] / frame[1])
    for cut, (start, stop), size, side in zip(part, spans, photo, frame, strict=True):
        length, margin = cut.stop - cut.start, MARGIN * (stop - start)
        # The frame's shape, larger than the margins ask for by rounding at most; all there is where there is no more.
        assert length <= min(size, unit * side + 3 + 2 * max(frame) / min(frame))
        # In the middle unless the photograph ends.
        if cut.start > 0 and cut.stop < size:
            middle = (max(0, start - margin) + min(size, stop + margin)) / 2
            assert abs((cut.start + cut.stop) / 2 - middle) <= 1.5


@pytest.mark.parametrize(
    ("photo", "box"),
    [
        ((3000, 4000), (1700, 300, 2300, 2700)),  # 4:3
        ((2160, 3840), (100, 200, 800, 2100)),  # 16:9, at the left
        ((1000, 8000), (7600, 20, 8000, 1000)),  # a panorama, in a corner
        ((8192, 8192), (4000, 4000, 4003, 4005)),  # a few pixels
        ((3000, 2000), (500, 100, 1500, 2900)),  # 2:3
    ],
)
def test_the_person_fills_the_frame_in_any_photograph(photo, box):
    part = frame_part(Subject(box), photo, (512, 256))
    shares = [
        (stop - start) / (cut.stop - cut.start)
        for cut, start, stop in zip(part, (box[1], box[0]), (box[3], box[2]), strict=True)
    ]
    assert max(shares) > 0.7
    assert (part[0].stop - part[0].start) == 2 * (part[1].stop - part[1].start)


@pytest.mark.parametrize("box", [(50, 20, 200, 500), (0, 0, 256, 512), (60, 60, 190, 460)])
def test_a_person_who_fills_the_photograph_stays_where_they_were(box):
    photo = photo_of((512, 256), box)
    framed = FramedPhoto.of(photo, 512, 256)
    assert framed.is_whole
    image, labels, _ = framed.fit()
    assert np.array_equal(image, photo.image)
    assert np.array_equal(labels, photo.labels)


@settings(deadline=None, max_examples=60)
@given(boxes(), frames)
def test_coordinates_are_those_of_the_nearest_pixels(photo_box, frame):
    """Fitted and restored labels against a loop over the frame's and the photograph's pixels."""
    photo, box = photo_box
    framed = FramedPhoto.of(photo_of(photo, box), *frame)
    rows, columns = np.indices(photo)
    places = np.stack([rows % 256, columns % 256, rows // 256 * 16 + columns // 256], axis=2).astype(np.uint8)
    fitted = framed.box.fit_labels(places[framed.part])
    left, top, right, bottom = framed.box.box
    fits = [
        nearest(cut.stop - cut.start, stop - start, cut.start)
        for cut, start, stop in zip(framed.part, (top, left), (bottom, right), strict=True)
    ]
    for y, x in np.ndindex(bottom - top, right - left):
        low_y, low_x, high = (int(value) for value in fitted[top + y, left + x])
        assert high // 16 * 256 + low_y in fits[0][y]
        assert high % 16 * 256 + low_x in fits[1][x]
    outside = np.ones(frame, bool)
    outside[top:bottom, left:right] = False
    assert not fitted[outside].any()
    y, x = np.indices(frame)
    for axis, coordinates, start, stop in ((0, y, top, bottom), (1, x, left, right)):
        restored = framed.box.restore_labels(coordinates.astype(np.uint8))
        seen = nearest(stop - start, restored.shape[axis], start)
        line = restored[:, 0] if axis == 0 else restored[0]
        assert all(int(place) in near for place, near in zip(line, seen, strict=True))
        assert (restored == (line[:, None] if axis == 0 else line)).all()


def nearest(source, target, offset):
    """Return for each of `target` pixels the source pixels whose middle is nearest: one, or two as near."""
    found = []
    for i in range(target):
        place = Fraction(2 * i + 1, 2) * Fraction(source, target)
        whole = int(place)
        found.append({offset + whole, offset + whole - 1} if place == whole else {offset + whole})
    return found


@settings(deadline=None, max_examples=60)
@given(boxes(), st.integers(0, 2**32 - 1))
def test_nothing_outside_of_the_part_changes_and_kept_pixels_are_kept(photo_box, seed):
    rng = np.random.default_rng(seed)
    person, source = photo_of(*photo_box, seed), outfit().source
    framed = FramedPhoto.of(person, 64, 32)
    result = rng.integers(0, 256, (64, 32, 3)).astype(np.uint8)
    drawn = rng.choice([0, TOP, FACE], (64, 32)).astype(np.uint8)
    before = person.image.copy(), person.labels.copy()
    image, labels = restore_result(result, drawn, framed, source)
    outside = np.ones(person.labels.shape, bool)
    outside[framed.part] = False
    assert np.array_equal(image[outside], before[0][outside])
    assert np.array_equal(labels[outside], before[1][outside])
    if not framed.box.is_identity:
        head = person.labels == FACE
        assert np.array_equal(image[head], before[0][head])
    assert np.array_equal(person.image, before[0])
    assert np.array_equal(person.labels, before[1])


def test_a_part_of_the_networks_size_is_the_networks_result():
    person = photo_of((64, 200), (100, 3, 116, 62))
    framed = FramedPhoto.of(person, 64, 32)
    assert framed.part == (slice(0, 64), slice(92, 124))
    rng = np.random.default_rng(0)
    result, drawn = rng.integers(0, 256, (64, 32, 3)).astype(np.uint8), np.full((64, 32), TOP, np.uint8)
    image, labels = restore_result(result, drawn, framed, outfit().source)
    assert np.array_equal(image[:, 92:124], result)
    assert np.array_equal(labels[:, 92:124], drawn)
    assert np.array_equal(image[:, :92], person.image[:, :92])


def test_others_are_background_to_the_networks_and_keep_their_labels():
    person = photo_of((64, 80), (10, 3, 26, 62))
    labels = person.labels.copy()
    labels[20:40, 30:50] = TOP
    labels[20:24, 30:50] = FACE
    two = Person(person.image, labels, np.where(person.labels[..., None] > 0, np.uint8(2), np.uint8(0)).repeat(3, 2))
    request = build_request(two, [], plan_outfit([], ["upper_clothes"]), 64, 32)
    alone = build_request(
        Person(two.image, person.labels, two.densepose), [], plan_outfit([], ["upper_clothes"]), 64, 32
    )
    assert all(np.array_equal(request[name], alone[name]) for name in request)
    framed = FramedPhoto.of(two, 64, 32)
    drawn = np.zeros((64, 32), np.uint8)
    drawn[22:30] = TOP
    _, found = restore_result(np.zeros((64, 32, 3), np.uint8), drawn, framed, plan_outfit([], ["upper_clothes"]).source)
    last = framed.part[1].stop
    assert last in range(31, 50)
    assert (found[22:30, 30:last] == TOP).all()
    assert np.array_equal(found[30:, 30:], labels[30:, 30:])
    assert np.array_equal(found[:22, 30:], labels[:22, 30:])


def test_a_garment_and_its_wearer_are_framed_alike():
    photo = photo_of((300, 500), (200, 20, 300, 280))
    garment = Garment(photo.image, photo.labels, "upper_clothes", photo.densepose)
    for ours, theirs in zip(FramedPhoto.of(photo, 64, 32).fit(), FramedPhoto.of(garment, 64, 32).fit(), strict=True):
        assert np.array_equal(ours, theirs)
    without = Garment(photo.image, photo.labels, "upper_clothes")
    assert not FramedPhoto.of(without, 64, 32).fit()[2].any()
