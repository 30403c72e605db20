import numpy as np
import pytest
from PIL import Image

from oviton.data.errors import InputError
from oviton.data.images import read_ids
from oviton.data.label_colours import LABEL_COLOURS, pascal_colours
from oviton.data.person_folder import read_person_folder


@pytest.fixture
def labels(people):
    return read_person_folder(people / "hugo").labels


def test_the_pascal_colours_are_the_published_ones():
    colours = pascal_colours(21)
    assert colours[[5, 15, 19, 20]].tolist() == [[128, 0, 128], [192, 128, 128], [128, 192, 0], [0, 64, 128]]


@pytest.mark.parametrize("parser", LABEL_COLOURS)
def test_a_coloured_picture_is_read_by_its_colours(tmp_path, labels, parser):
    Image.fromarray(LABEL_COLOURS[parser][labels]).save(tmp_path / "labels.png")
    ids, notes = read_ids(tmp_path / "labels.png")
    assert np.array_equal(ids, labels)
    assert notes == (f"{tmp_path.name}/labels.png: classes are read by {parser}'s colours",)


@pytest.mark.parametrize("parser", LABEL_COLOURS)
def test_colours_squeezed_into_a_palette_are_read_too(tmp_path, labels, parser):
    squeezed = Image.fromarray(LABEL_COLOURS[parser][labels]).quantize(32)
    assert not np.array_equal(np.asarray(squeezed), labels)
    squeezed.save(tmp_path / "labels.png")
    ids, notes = read_ids(tmp_path / "labels.png")
    assert np.array_equal(ids, labels)
    assert "palette is out of order" in notes[0]


@pytest.mark.parametrize("palette", [*LABEL_COLOURS.values(), np.arange(60, dtype=np.uint8).reshape(20, 3)])
def test_a_palette_in_order_and_one_that_nobody_knows_hold_ids(tmp_path, labels, palette):
    image = Image.fromarray(labels)
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "labels.png")
    ids, notes = read_ids(tmp_path / "labels.png")
    assert np.array_equal(ids, labels)
    assert notes == ()


def test_colours_of_which_parsers_differ_are_refused(tmp_path):
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[1, 1] = 0, 128, 0  # SCHP's hair, PGN's skirt
    Image.fromarray(picture).save(tmp_path / "labels.png")
    with pytest.raises(InputError, match="different classes to SCHP and PGN"):
        read_ids(tmp_path / "labels.png")


def test_other_colours_are_refused(tmp_path, labels):
    Image.fromarray(LABEL_COLOURS["SCHP"][labels] // 2).save(tmp_path / "labels.png")
    with pytest.raises(InputError, match=r"stored as RGB, and its \d+ colours are no parser's"):
        read_ids(tmp_path / "labels.png")
