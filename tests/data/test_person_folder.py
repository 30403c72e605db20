import os

import numpy as np
import pytest
from PIL import Image

from oviton.data.errors import InputError
from oviton.data.person_folder import holds_person, read_person_folder, read_person_folders
from oviton.runtime.person import Person


def test_example_person(people):
    person = read_person_folder(people / "ana")
    assert person.image.shape == (512, 256, 3)
    assert person.labels.shape == (512, 256)
    assert person.densepose is not None


def test_body_map_is_optional(person_copy):
    (person_copy / "densepose.png").unlink()
    assert read_person_folder(person_copy).densepose is None


def test_a_body_map_stays_what_it_was_when_its_file_changes(person_copy):
    body = read_person_folder(person_copy).densepose
    (person_copy / "densepose.png").unlink()
    np.save(person_copy / "densepose.npy", body)
    person = Person.open(person_copy)
    with (person_copy / "densepose.npy").open("r+b") as file:
        file.seek(-body.size, os.SEEK_END)
        file.write(b"\xff" * body.size)
        file.flush()
        assert np.array_equal(person.densepose, body)
        file.truncate(200)  # a mapped file would now end the process
    assert np.array_equal(person.densepose, body)


@pytest.mark.parametrize("name", ["image.png", "labels.png"])
def test_missing_file_is_named(person_copy, name):
    (person_copy / name).unlink()
    with pytest.raises(InputError, match=name.split(".", maxsplit=1)[0]):
        read_person_folder(person_copy)


def test_sizes_must_agree(person_copy):
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(person_copy / "labels.png")
    with pytest.raises(InputError, match=r"labels\.png: 7x9 found, but image\.png is 256x512"):
        read_person_folder(person_copy)


def test_two_photographs_are_ambiguous(person_copy):
    Image.fromarray(np.zeros((9, 7, 3), np.uint8)).save(person_copy / "image.jpg")
    with pytest.raises(InputError, match=r"both image\.jpg and image\.png"):
        read_person_folder(person_copy)


@pytest.mark.parametrize(
    ("old", "new"), [("image.png", "IMAGE.PNG"), ("labels.png", "Labels.png"), ("densepose.png", "densepose.PNG")]
)
def test_names_may_be_in_any_case(people, person_copy, old, new):
    (person_copy / old).rename(person_copy / new)
    read, plain = read_person_folder(person_copy), read_person_folder(people / "ana")
    for array in ("image", "labels", "densepose"):
        assert np.array_equal(getattr(read, array), getattr(plain, array))
    assert holds_person(person_copy)


def test_one_name_in_two_cases_is_ambiguous(person_copy):
    (person_copy / "LABELS.png").write_bytes((person_copy / "labels.png").read_bytes())
    if len(list(person_copy.glob("*abels.png"))) + len(list(person_copy.glob("LABELS*"))) < 2:
        pytest.skip("this disk tells no case apart")
    with pytest.raises(InputError, match=r"holds both LABELS\.png and labels\.png; keep one"):
        read_person_folder(person_copy)


def test_a_photograph_in_another_format_is_read(people, person_copy):
    person = read_person_folder(person_copy)
    (person_copy / "image.png").unlink()
    Image.fromarray(person.image).save(person_copy / "Image.Webp", lossless=True)
    assert np.array_equal(read_person_folder(person_copy).image, person.image)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "image.png",
            "IMG_0001.JPG",
            r"no photograph found; allowed names: image\.jpg.*; IMG_0001\.JPG is there: rename",
        ),
        ("image.png", "image.tif", r"no photograph found.*; image\.tif is there: save it as one of these$"),
        (
            "labels.png",
            "labels.jpg",
            r"no labels\.png found.*; labels\.jpg is there: labels are a PNG, which keeps ids",
        ),
        ("densepose.png", "densepose.pkl", r"densepose\.pkl: a body map that is not read; pickle is never loaded"),
        ("densepose.png", "densepose.jpg", r"densepose\.jpg: a body map that is not read; allowed: densepose\.png \("),
    ],
)
def test_what_is_there_under_another_name_is_named(person_copy, old, new, words):
    (person_copy / old).rename(person_copy / new)
    with pytest.raises(InputError, match=words):
        read_person_folder(person_copy)


def test_maps_are_never_taken_for_the_photograph(person_copy):
    (person_copy / "image.png").unlink()
    with pytest.raises(InputError, match=r"no photograph found; allowed names: [^;]*$"):
        read_person_folder(person_copy)


def with_orientation(folder, orientation, stored):
    """Store a folder's photograph in another way, with the orientation that shows it as before."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_person_folder(folder).image
    Image.fromarray(np.ascontiguousarray(stored(image))).save(folder / "image.png", exif=exif)
    return image


def test_maps_of_the_photograph_as_it_is_seen(person_copy):
    image = with_orientation(person_copy, 3, lambda a: a[::-1, ::-1])
    assert np.array_equal(read_person_folder(person_copy).image, image)


def test_maps_of_the_pixels_as_they_are_stored_are_refused(person_copy):
    labels = read_person_folder(person_copy).labels
    with_orientation(person_copy, 2, lambda a: a[:, ::-1])
    Image.fromarray(np.ascontiguousarray(labels[:, ::-1])).save(person_copy / "labels.png")
    with pytest.raises(
        InputError, match=r"labels\.png: does not fit image\.png as its EXIF orientation 2 shows it; save"
    ):
        read_person_folder(person_copy)


def test_maps_on_their_side_show_by_their_size(person_copy):
    labels = read_person_folder(person_copy).labels
    with_orientation(person_copy, 6, lambda a: a[:, ::-1].swapaxes(0, 1))
    Image.fromarray(np.rot90(labels)).save(person_copy / "labels.png")
    with pytest.raises(
        InputError, match="both must have one size; its EXIF orientation was applied, so turn the labels"
    ):
        read_person_folder(person_copy)


def test_file_in_place_of_a_folder(person_copy):
    with pytest.raises(InputError, match="a folder is expected, but it is a file"):
        read_person_folder(person_copy / "image.png")


def test_several_folders_are_read_like_one_by_one(people):
    names = ("ana", "ben", "hugo")
    for together, name in zip(read_person_folders([people / n for n in names]), names, strict=True):
        alone = read_person_folder(people / name)
        assert together.path == alone.path
        for array in ("image", "labels", "densepose"):
            assert np.array_equal(getattr(together, array), getattr(alone, array))


def test_of_several_folders_the_damaged_file_is_named(people, person_copy):
    (person_copy / "labels.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"labels\.png: not a picture"):
        read_person_folders([people / "ana", person_copy])
