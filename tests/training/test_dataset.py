import numpy as np
import pytest
from PIL import Image

from oviton.data.classes import GARMENTS, ids
from oviton.data.errors import InputError
from oviton.training.dataset import Dataset, split


@pytest.fixture
def open_data():
    """A function that opens a folder at the tiny size and keeps the warnings."""

    def make(folder, **changed):
        warnings = []
        wanted = {"images": True, "body_maps": True, "warn": warnings.append} | changed
        return Dataset(folder, 64, 32, **wanted), warnings

    return make


def test_people_are_fitted_to_the_frame_and_kept(data, open_data):
    dataset, warnings = open_data(data)
    sample = dataset.person("ana")
    assert (sample.image.shape, sample.labels.shape, sample.densepose.shape) == ((64, 32, 3), (64, 32), (64, 32, 3))
    assert dataset.person("ana") is sample
    assert warnings == []


def test_memory_is_limited(data, open_data):
    dataset, _ = open_data(data, cache_bytes=20_000)  # one person has 64·32·7 bytes
    first, second = dataset.person("ana"), dataset.person("ben")
    assert dataset.person("ana") is first
    assert dataset.person("ben") is not second
    assert np.array_equal(dataset.person("ben").image, second.image)


def test_pictures_can_be_left_out(data, open_data):
    dataset, _ = open_data(data, images=False)
    assert dataset.person("ana").image.size == 0


def test_drawing_follows_the_generator_and_skips_the_held_out(data, open_data):
    dataset, _ = open_data(data)
    one, other = ([dataset.draw(rng) for _ in range(20)] for rng in map(np.random.default_rng, (3, 3)))
    assert all(a is b for a, b in zip(one, other, strict=True))
    away = [dataset.person(name) for name in dataset.held_out]
    assert not any(sample is other for sample in one for other in away)


def test_split_is_by_name_alone():
    names = [f"{number:05d}" for number in range(3000)]
    people, held_out = split(names)
    assert sorted(people + held_out) == names
    assert 0.02 < len(held_out) / len(names) < 0.05
    some, away = split(names[:1500])
    assert set(some) <= set(people)
    assert set(away) <= set(held_out)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_small_sets_have_someone_on_both_sides(count):
    people, held_out = split(["a", "b", "c"][:count])
    assert people
    assert len(held_out) == 1


def test_damaged_person_is_passed_over_with_one_warning(data, open_data):
    (data / "ben" / "image.png").write_bytes(b"no")
    dataset, warnings = open_data(data)
    dataset.people = ["ben", "chloe"]
    for seed in range(5):
        assert dataset.draw(np.random.default_rng(seed)) is dataset.person("chloe")
    assert len(warnings) == 1
    assert "ben/image.png: not a picture" in warnings[0]
    assert dataset.skipped.keys() == {"ben"}


def test_body_map_is_needed_or_zero(data, open_data):
    (data / "ana" / "densepose.png").unlink()
    dataset, warnings = open_data(data)
    assert dataset.person("ana") is None
    assert "no body map found; allowed names: densepose.png" in warnings[0]
    dataset, _ = open_data(data, body_maps=False)
    assert dataset.person("ana").densepose.max() == 0


def test_folders_without_people_are_told(tmp_path, open_data):
    with pytest.raises(InputError, match="no person found in it"):
        open_data(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        open_data(tmp_path / "none")


def test_other_folders_are_no_people(data, open_data):
    (data / "before").mkdir()
    (data / "before" / "00001.png").write_bytes(b"")
    assert open_data(data)[0].names == ["ana", "ben", "chloe", "dev", "eva", "finn"]


def test_pairs_are_read(paired, open_data):
    dataset, warnings = open_data(paired, pairs=True)
    assert warnings == []
    pairs = {pair.person: pair for pair in dataset.pairs + dataset.held_out_pairs}
    assert pairs["ben"].classes == ids("pants", "skirt")
    assert pairs["dev"].classes == GARMENTS
    sample = dataset.pair(pairs["ben"])
    assert sample.person is dataset.person("ben")
    assert sample.garment is dataset.person("chloe")
    with Image.open(paired / "chloe" / "labels.png") as image:
        labels = np.asarray(image.resize((32, 64), Image.Resampling.NEAREST))
    assert np.array_equal(sample.before, labels)


def test_pairs_may_share_more_than_what_changed(paired, open_data):
    rows = [
        "person,garment,before,classes,shared",
        "ana,dev,,pants,all",
        "chloe,dev,,pants,coat+pants",
        "dev,ana,,pants,",
    ]
    (paired / "pairs.csv").write_text("\n".join(rows))
    dataset, warnings = open_data(paired, pairs=True)
    assert not warnings
    shared = {pair.person: pair.shared for pair in dataset.pairs + dataset.held_out_pairs}
    assert shared == {"ana": GARMENTS, "chloe": ids("coat", "pants"), "dev": ids("pants")}
    (sample, *_) = (dataset.pair(pair) for pair in dataset.pairs)
    assert sample.shared == dataset.pairs[0].shared
    assert sample.classes == ids("pants")


def test_pairs_do_not_show_the_held_out(paired, open_data):
    dataset, _ = open_data(paired, pairs=True)
    seen = {name for pair in dataset.pairs for name in (pair.person, pair.garment)}
    assert not seen & set(dataset.held_out)


def test_pair_without_labels_before_has_the_persons_own(paired, open_data):
    (paired / "pairs.csv").write_text("person,garment,before\ndev,chloe,\n")
    dataset, _ = open_data(paired, pairs=True)
    (pair,) = dataset.pairs
    assert np.array_equal(dataset.pair(pair).before, dataset.person("dev").labels)


def test_bad_pairs_are_named_and_skipped(paired, open_data):
    with (paired / "pairs.csv").open("a") as file:
        file.write("nobody,ana,,\ndev,chloe,,rucksack\ndev,chloe,gone.png,dress\n")
    dataset, warnings = open_data(paired, pairs=True)
    assert any("line 8: no person is called 'nobody'" in text for text in warnings)
    assert any("line 9: class 'rucksack' is unknown" in text for text in warnings)
    assert dataset.pair(dataset.pairs[-1]) is None
    assert "gone.png: no such file" in warnings[-1]
    assert len(dataset.skipped) == 3


def test_missing_or_empty_list_of_pairs_is_an_input_error(data, open_data):
    with pytest.raises(InputError, match=r"pairs\.csv: no such file; .*or train without --pairs"):
        open_data(data, pairs=True)
    (data / "pairs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="columns person, garment, before, classes"):
        open_data(data, pairs=True)
    (data / "pairs.csv").write_text("person,garment,before\nx,y,\n")
    with pytest.raises(InputError, match="no usable pair"):
        open_data(data, pairs=True)
