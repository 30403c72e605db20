"""Samples of the person parser: mirroring, crops, what is known of them, and what is kept for evaluation."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oviton.data.errors import InputError
from oviton.prepare.place import Place
from oviton.training.densepose_charts import TERMS, DensePoseCharts
from oviton.training.parser_data import ParserData
from oviton.training.parser_samples import Sample, mirror_sets, place_crop

LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG, LEFT_SHOE, RIGHT_SHOE, UPPER = 14, 15, 16, 17, 18, 19, 5


def bits(*classes: int) -> int:
    return sum(1 << number for number in classes)


@pytest.fixture
def person() -> Sample:
    """Return somebody whose left half is an arm or a leg, one does not know, and whose right half is a shirt."""
    index = np.zeros((64, 48), np.uint8)
    index[8:56, 12:24], index[8:56, 24:36] = 1, 2
    body = np.zeros((64, 48, 3), np.uint8)
    body[8:56, 12:24] = (4, 10, 20)
    mirrored = np.zeros_like(body)
    mirrored[8:56, 24:36] = (3, 11, 21)
    image = np.repeat(index[..., None] * np.uint8(100), 3, axis=2)
    sets = np.array([1, bits(LEFT_ARM, LEFT_LEG), bits(UPPER)], np.uint32)
    return Sample(image, sets, index, body, mirrored, rendered=False)


def test_mirrored_sets_swap_sides_and_nothing_else() -> None:
    sets = np.array([bits(LEFT_ARM), bits(RIGHT_LEG, UPPER), bits(LEFT_SHOE, RIGHT_SHOE), bits(0)], np.uint32)
    wanted = [bits(RIGHT_ARM), bits(LEFT_LEG, UPPER), bits(LEFT_SHOE, RIGHT_SHOE), bits(0)]
    assert mirror_sets(sets).tolist() == wanted
    assert np.array_equal(mirror_sets(mirror_sets(sets)), sets)


def test_a_mirrored_sample_has_the_other_side_where_it_was(person: Sample) -> None:
    found = person.mirrored()
    assert found.sets[found.index[30, 47 - 14]] == bits(RIGHT_ARM, RIGHT_LEG)
    assert found.body[30, 47 - 14].tolist() == [3, 11, 21]
    assert np.array_equal(found.image, person.image[:, ::-1])
    again = found.mirrored()
    assert np.array_equal(again.sets, person.sets)
    assert np.array_equal(again.body, person.body)


def test_a_person_without_mirrored_body_map_is_not_mirrored(person: Sample) -> None:
    with pytest.raises(InputError, match="no mirrored body map"):
        person.cut(slice(0, 64), slice(0, 48)).mirrored()


def test_a_crop_knows_classes_body_presence_and_box(person: Sample) -> None:
    crop = place_crop(person, Place(1, 0, 0, 0, 1, 0), (64, 64), (9, 9, 9))
    assert crop.sets.shape == (32, 32)
    assert crop.sets[16, 7] == bits(LEFT_ARM, LEFT_LEG)
    assert crop.sets[16, 15] == bits(UPPER)
    assert (crop.sets[:, 25:] == 1).all()  # beyond the picture is background
    assert (crop.image[:, 48:] == 9).all()
    assert crop.body[8, 4].tolist() == [4, 10, 20]
    assert crop.presence[8, 4] == 1
    assert crop.presence[8, 14] == 0
    # The person is 3 to 9 coarse pixels from the left and 2 to 14 from the top; the middle of pixel 4 is at 4.5.
    assert crop.box[:, 8, 4] * 16 == pytest.approx([1.5, 6.5, 4.5, 5.5])


@pytest.fixture
def folders(tmp_path: Path, person: Sample) -> tuple[Path, Path]:
    return write_folders(tmp_path, person)


def write_folders(folder: Path, person: Sample) -> tuple[Path, Path]:
    rendered, street = folder / "rendered", folder / "street"
    (rendered / "000000").mkdir(parents=True)
    street.mkdir()
    Image.fromarray(person.image).save(rendered / "000000" / "image.png")
    Image.fromarray(np.where(person.index > 0, UPPER, 0).astype(np.uint8)).save(rendered / "000000" / "labels.png")
    Image.fromarray(person.body).save(rendered / "000000" / "densepose.png")
    DensePoseCharts(np.zeros((25, len(TERMS), 2))).write(rendered)
    for name in ("0010", "0011"):
        np.savez(
            street / f"{name}.npz",
            image=person.image,
            sets=person.sets,
            index=person.index,
            body=person.body,
            body_mirrored=person.body_mirrored,
            body_known=np.ones(person.index.shape, np.uint8),
        )
    return rendered, street


def test_photographs_whose_number_ten_divides_are_kept_out(folders: tuple[Path, Path]) -> None:
    assert [path.stem for path in ParserData(*folders, (64, 32)).street] == ["0011"]


def test_an_empty_folder_is_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: holds nothing"):
        ParserData(tmp_path / "empty", folders[1], (64, 32))


def test_batches_follow_from_their_generator_and_fit_the_network(folders: tuple[Path, Path]) -> None:
    data = ParserData(*folders, (64, 32))
    first, again = (data.batch(np.random.default_rng(5), 12) for _ in range(2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    shapes = {name: value.shape for name, value in first.items()}
    assert shapes == {
        "image": (12, 3, 64, 32), "sets": (12, 32, 16), "body": (12, 16, 8, 3), "presence": (12, 16, 8),
        "box": (12, 4, 16, 8),
    }  # fmt: skip
    assert (first["sets"] > 0).all()
    assert np.isin(first["presence"], (0, 1, 255)).all()
    assert set(np.unique(first["body"][..., 0])) <= {0, 3, 4, 255}
