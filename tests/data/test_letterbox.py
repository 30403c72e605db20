import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from oviton.data.letterbox import Letterbox

sizes = st.integers(1, 300)


@settings(deadline=None, max_examples=60)
@given(sizes, sizes)
def test_photo_fits_centred_with_its_aspect(height, width):
    box = Letterbox(height, width, 64, 32)
    left, top, right, bottom = box.box
    assert 0 <= left < right <= 32
    assert 0 <= top < bottom <= 64
    assert (right - left == 32) or (bottom - top == 64)
    assert abs(left - (32 - right)) <= 1
    assert abs(top - (64 - bottom)) <= 1
    scale = min(64 / height, 32 / width)
    assert abs((right - left) - max(1, width * scale)) <= 1
    assert abs((bottom - top) - max(1, height * scale)) <= 1


@settings(deadline=None, max_examples=40)
@given(sizes, sizes, st.integers(0, 2**32 - 1))
def test_shapes_and_ids_survive_both_ways(height, width, seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 5, 13], (height, width)).astype(np.uint8)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    box = Letterbox.of(labels, 64, 32)
    assert box.fit_image(image).shape == (64, 32, 3)
    fitted = box.fit_labels(labels)
    assert fitted.shape == (64, 32)
    assert set(np.unique(fitted)) <= {0, 5, 13}
    assert box.restore_labels(fitted).shape == labels.shape
    assert box.restore_image(box.fit_image(image)).shape == image.shape


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, st.integers(0, 2**32 - 1))
def test_a_window_is_cut_out_of_the_whole(height, width, seed):
    rng = np.random.default_rng(seed)
    box = Letterbox(height, width, 64, 32)
    labels = rng.integers(0, 20, (64, 32)).astype(np.uint8)
    image = rng.integers(0, 256, (64, 32, 3)).astype(np.uint8)
    rows, columns = (slice(*sorted(rng.choice(size + 1, 2, replace=False))) for size in (height, width))
    as_pillow = Image.fromarray(labels).crop(box.box).resize((width, height), Image.Resampling.NEAREST)
    assert np.array_equal(box.restore_labels(labels, (rows, columns)), np.asarray(as_pillow)[rows, columns])
    whole = Image.fromarray(image).crop(box.box)
    for size in ((width, whole.height), (width, height)):
        whole = whole.resize(size, Image.Resampling.BICUBIC)
    # Pillow keeps the window's place in FP32, both times.
    off = box.restore_image(image, (rows, columns)).astype(int) - np.asarray(whole)[rows, columns]
    assert np.abs(off).max() <= 2


def test_doubling_is_undone_exactly():
    labels = np.random.default_rng(0).integers(0, 20, (32, 16)).astype(np.uint8)
    box = Letterbox.of(labels, 64, 32)
    assert np.array_equal(box.fit_labels(labels), labels.repeat(2, 0).repeat(2, 1))
    assert np.array_equal(box.restore_labels(box.fit_labels(labels)), labels)


def test_padding_is_background_for_labels_and_border_for_pictures():
    box = Letterbox(10, 10, 64, 32)
    left, top, right, bottom = box.box
    labels = box.fit_labels(np.full((10, 10), 5, np.uint8))
    assert (labels[:top] == 0).all()
    assert (labels[bottom:] == 0).all()
    assert (labels[top:bottom, left:right] == 5).all()
    assert (box.fit_image(np.full((10, 10, 3), 77, np.uint8)) == 77).all()


def test_equal_size_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (64, 32, 3)).astype(np.uint8)
    box = Letterbox(64, 32, 64, 32)
    assert box.is_identity
    assert np.array_equal(box.restore_image(box.fit_image(image)), image)


def test_large_photographs_are_fitted_as_lanczos_would():
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (60, 30, 3)).astype(np.uint8))
    photo = np.asarray(coarse.resize((900, 1800), Image.Resampling.BICUBIC))
    off = np.abs(
        Letterbox(1800, 900, 128, 64).fit_image(photo).astype(int)
        - np.asarray(Image.fromarray(photo).resize((64, 128), Image.Resampling.LANCZOS))
    )
    assert off.mean() < 1
    assert off.max() <= 8
