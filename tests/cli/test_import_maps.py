import numpy as np
import pytest
from PIL import Image

from oviton.data.classes import CLASS_NAMES
from oviton.data.conventions import CONVENTIONS
from oviton.data.person_folder import read_person_folder
from oviton.runtime.person import Person


@pytest.fixture
def hugo(people):
    return read_person_folder(people / "hugo")


@pytest.fixture
def photo(people):
    return people / "hugo" / "image.png"


@pytest.fixture
def labels(people):
    return people / "hugo" / "labels.png"


def save(path, array):
    Image.fromarray(array).save(path)
    return path


def atr_labels(path, hugo):
    targets = CONVENTIONS["atr"].targets
    table = [targets.index(name) if name in targets else targets.index("face") for name in CLASS_NAMES]
    return save(path, np.array(table, np.uint8)[hugo.labels])


def test_atr_labels_and_a_bgr_map_become_the_person_that_they_were(run, tmp_path, hugo, photo):
    written = atr_labels(tmp_path / "atr.png", hugo)
    body = save(tmp_path / "iuv.png", hugo.densepose[..., ::-1])
    status, stdout, _ = run(
        "import", photo, "--labels", written, "--labels-from", "atr", "--densepose", body, "--densepose-from", "bgr",
        "-o", tmp_path / "me",
    )  # fmt: skip
    assert status == 0
    assert stdout.splitlines()[0].startswith("note: ATR has no coat")
    assert stdout.splitlines()[1].startswith(f"{tmp_path}/me: 256x512, hat, hair, upper_clothes, pants")
    person = Person.open(tmp_path / "me")
    assert (person.labels == hugo.labels).mean() > 0.999
    assert np.array_equal(person.densepose, hugo.densepose)
    assert (tmp_path / "me" / "image.png").read_bytes() == photo.read_bytes()


def test_a_body_map_of_a_box_lies_in_the_photograph(run, tmp_path, hugo, photo, labels):
    np.save(tmp_path / "box.npy", np.moveaxis(hugo.densepose[20:500, 30:240] / np.array([1.0, 255, 255]), 2, 0))
    status, _, _ = run(
        "import", photo, "--labels", labels, "--densepose", tmp_path / "box.npy", "--densepose-from", "box:30,20",
        "-o", tmp_path / "me",
    )  # fmt: skip
    assert status == 0
    expected = np.zeros_like(hugo.densepose)
    expected[20:500, 30:240] = hugo.densepose[20:500, 30:240]
    assert np.array_equal(read_person_folder(tmp_path / "me").densepose, expected)


def test_maps_of_half_the_size_are_resized_and_told(run, tmp_path, hugo, photo):
    small = save(tmp_path / "small.png", hugo.labels[::2, ::2])
    status, stdout, _ = run("import", photo, "--labels", small, "-o", tmp_path / "shirt")
    assert status == 0
    assert "note: small.png: resized from 128x256" in stdout
    read = read_person_folder(tmp_path / "shirt")
    assert read.densepose is None
    assert np.array_equal(read.labels[::2, ::2], hugo.labels[::2, ::2])


def test_a_mask_becomes_a_garment_and_replaces_what_was_imported_before(run, tmp_path, hugo, photo, labels):
    mask = save(tmp_path / "mask.png", (hugo.labels == 5).astype(np.uint8) * 255)
    run("import", photo, "--labels", labels, "-o", tmp_path / "shirt")
    status, stdout, _ = run("import", photo, "--labels", mask, "--labels-from", "mask:tops", "-o", tmp_path / "shirt")
    assert (status, stdout) == (0, f"{tmp_path}/shirt: 256x512, upper_clothes\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--labels-from", "cityscapes"], ["'cityscapes': unknown; allowed: cihp, lip, atr"]),
        (["--densepose-from", "xyz"], ["body map from 'xyz': unknown; allowed: iuv, bgr, box:LEFT,TOP"]),
        (["--labels", "{tmp}/atr.png"], ["look like atr", "--labels-from atr"]),
        (["--labels", "{tmp}/atr.png", "--labels-from", "lip"], ["read as lip, the labels make no figure"]),
        (["--labels", "{tmp}/wide.png"], ["wide.png: 512x256 found, but the photograph is 256x512"]),
        (["--densepose-from", "bgr"], ["densepose.png: DensePose part 255 found"]),
        (["--densepose-from", "box:900,0"], ["outside the photograph (256x512)"]),
        (["-o", "{tmp}/notes"], ["holds other files"]),
        (["-o", "{photo}"], ["a file of that name exists"]),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_no_folder(run, tmp_path, hugo, photo, labels, options, words):
    atr_labels(tmp_path / "atr.png", hugo)
    save(tmp_path / "wide.png", hugo.labels.T)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    filled = [option.format(tmp=tmp_path, photo=photo) for option in options]
    given = ["--labels", labels, "--densepose", photo.with_name("densepose.png"), "-o", tmp_path / "me", *filled]
    status, stdout, stderr = run("import", photo, *given)
    assert status == 2, stderr
    assert stdout == ""
    assert stderr.count("\n") == 1
    for word in words:
        assert word in stderr
    assert not (tmp_path / "me").exists()
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["mine.txt"]
