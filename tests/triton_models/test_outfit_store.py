import os

import numpy as np
import pytest

from oviton.data.errors import InputError
from oviton.runtime.refinement.refined_weights import RefinedWeights
from oviton.triton_models.outfit_store import NotFoundError, OutfitStore

KB = 1000


@pytest.fixture
def store(tmp_path):
    return OutfitStore(tmp_path / "outfits", 25 * KB)


def outfit(value):
    return RefinedWeights("0" * 64, (0,) * 20, {"w": np.full(3500, value, np.float16)}, 50.0)


def test_an_outfit_is_found_by_its_id(store):
    name = store.save(outfit(3))
    assert len(name) == 32
    assert store.open(name).tensors["w"][0] == 3
    assert store.usage()[0] == 1


def test_the_longest_unused_goes_first(store):
    names = [store.save(outfit(i)) for i in range(3)]  # each takes 7 kB and a header
    for age, name in enumerate(names):
        os.utime(store.folder / f"{name}.safetensors", (1000 + age, 1000 + age))
    store.open(names[0])
    store.stamp("f" * 32)  # of one that is gone: nothing happens
    newest = store.save(outfit(9))
    with pytest.raises(NotFoundError, match="refine it again"):
        store.open(names[1])
    assert {store.open(name).tensors["w"][0] for name in (names[0], names[2], newest)} == {0, 2, 9}
    assert store.usage()[1] <= 25 * KB


def test_other_files_are_left_alone(store):
    store.save(outfit(1))
    other = store.folder / "notes.safetensors"
    other.write_bytes(b"x" * 100 * KB)
    store.save(outfit(2))
    assert other.exists()
    assert store.usage()[0] == 2


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 32, "g" * 32, "0" * 31, "0" * 32 + "\n"])
def test_an_id_that_is_none_never_reaches_the_disk(store, name):
    with pytest.raises(InputError, match="32 hexadecimal characters"):
        store.open(name)


def test_an_outfit_larger_than_all_room_is_refused(tmp_path):
    with pytest.raises(InputError, match="--outfits-mb"):
        OutfitStore(tmp_path, 1000).save(outfit(1))
