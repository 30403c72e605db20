import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from oviton.data import parallel, png
from oviton.data.png import png_bytes

SHAPES = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
)


@given(arrays(np.uint8, SHAPES))
def test_pillow_reads_what_was_written(image):
    with Image.open(io.BytesIO(png_bytes(image))) as read:
        assert read.format == "PNG"
        assert read.mode == ("RGB" if image.ndim == 3 else "L")
        read.verify()  # every checksum
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(image)))), image)


def test_colours_are_said_to_be_srgb_and_ids_are_not():
    with Image.open(io.BytesIO(png_bytes(np.zeros((3, 2, 3), np.uint8)))) as picture:
        assert picture.info["srgb"] == 0
    with Image.open(io.BytesIO(png_bytes(np.zeros((3, 2), np.uint8)))) as labels:
        assert labels.info == {}


@pytest.mark.parametrize("view", [np.fliplr, lambda image: image[::2, ::3], np.asfortranarray])
def test_any_layout_of_memory(view):
    image = view(np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(image)))), image)


@pytest.mark.parametrize("shape", [(512, 256, 3), (1, 400_000, 3), (3, 900_000), (1500, 2000, 3)])
def test_pictures_of_many_blocks(shape):
    image = np.random.default_rng(1).integers(0, 9, shape).astype(np.uint8)
    with Image.open(io.BytesIO(png_bytes(image))) as read:
        read.verify()
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(image)))), image)


def test_a_picture_has_one_file_whatever_the_machine(monkeypatch):
    image = np.random.default_rng(1).integers(0, 9, (1024, 512, 3)).astype(np.uint8)
    alone = png_bytes(image)
    monkeypatch.setattr(parallel, "_HELPERS", 7)
    assert png_bytes(image) == alone


@pytest.mark.parametrize("shape", [(512, 256, 3), (3072, 500, 3), (512, 256)])
def test_zlib_would_write_the_same_bytes(monkeypatch, shape):
    image = np.random.default_rng(2).integers(0, 3, shape).astype(np.uint8).cumsum(axis=0, dtype=np.uint8)
    file = png_bytes(image)
    monkeypatch.setattr(png, "zlib", zlib)
    assert png_bytes(image) == file


def test_files_are_about_as_small_as_pillows():
    ramp = np.add.outer(np.arange(256), np.arange(128)).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 4, (256, 128, 3)).astype(np.uint8)
    image = ramp[..., None] + noise
    theirs = io.BytesIO()
    Image.fromarray(image).save(theirs, "PNG")
    assert len(png_bytes(image)) < 1.3 * theirs.tell() < image.nbytes
