"""Prepared photographs on disk."""

import numpy as np
import pytest
from PIL import Image

from oviton.data.errors import InputError
from oviton.data.images import read_image
from oviton.data.person_folder import read_person_folder
from oviton.prepare.person_folders import find_photographs, write_person, write_sheet


def test_photographs_of_folders_and_files_by_name(tmp_path):
    for name in ("b.jpg", "a.PNG", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "c.webp"
    other.touch()
    assert list(find_photographs([tmp_path, other])) == ["a", "b", "c"]
    clash = tmp_path / "more" / "a.jpg"
    clash.touch()
    with pytest.raises(InputError, match=r"a\.jpg and .*a\.PNG would both become a; rename one"):
        find_photographs([tmp_path, clash])
    with pytest.raises(InputError, match="no such file"):
        find_photographs([tmp_path / "none.jpg"])
    (tmp_path / "ana").mkdir()
    (tmp_path / "ana" / "image.png").touch()
    assert list(find_photographs([tmp_path / "ana"])) == ["ana"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no photographs"):
        find_photographs([tmp_path / "empty"])


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_folder_reads_back_as_it_was_seen(tmp_path, preparer, two_people, orientation):
    stored = two_people[0] if orientation == 1 else np.rot90(two_people[0], 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "phone.png"
    Image.fromarray(stored).save(path, exif=exif)
    prepared = preparer(read_image(path))
    write_person(prepared, tmp_path / "phone", path if orientation == 1 else None)
    found = read_person_folder(tmp_path / "phone")
    assert np.array_equal(found.image, two_people[0])
    assert np.array_equal(found.labels, prepared.labels)
    assert np.array_equal(found.densepose, prepared.densepose)
    if orientation == 1:
        assert (tmp_path / "phone" / "image.png").read_bytes() == path.read_bytes()


def test_a_sheet_shows_every_folder(tmp_path, preparer, two_people):
    path = tmp_path / "photo.png"
    Image.fromarray(two_people[0]).save(path)
    for name in "abcd":
        write_person(preparer(two_people[0]), tmp_path / name, path)
    write_sheet([tmp_path / name for name in "abcd"], tmp_path / "sheet.png")
    sheet = read_image(tmp_path / "sheet.png")
    assert sheet.shape == (2 * 276, 3 * 592, 3)
    assert (sheet[276:, 592:] == 255).all()  # four of six places are taken
    assert (sheet[276:, :592] != 255).any()
