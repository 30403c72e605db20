import os

import numpy as np
import pytest
from PIL import Image

from oviton.data.errors import InputError
from oviton.data.person_folder import read_person_folder, read_person_folders
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
