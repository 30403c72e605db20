import base64
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from oviton import InputError
from oviton.evaluation.study import Study, StudyKey, StudyOptions

VOID = {"meta", "input", "img"}


class Page(HTMLParser):
    """Checks that elements nest, and gathers scripts, attributes and ids."""

    def __init__(self, page):
        super().__init__()
        self.open, self.scripts, self.attributes = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.scripts[-1] += data

    @property
    def data(self):
        return json.loads(self.scripts[0])


@pytest.fixture
def folders(tmp_path):
    """Ten pairs of two splits, their references, and one pair that is identical."""
    rng = np.random.default_rng(0)
    names = [f"{split}_{i:04d}" for split in ("upper", "two") for i in range(5)]
    for method in ("ours", "theirs", "reference"):
        (tmp_path / method).mkdir()
        for name in names:
            picture = Image.fromarray(rng.integers(0, 256, (16, 8, 3)).astype(np.uint8))
            picture.save(tmp_path / method / f"{name}.png")
    return tmp_path


def make(folders, **options):
    return Study.make(folders / "ours", folders / "theirs", StudyOptions(**options))


def decoded(uri):
    head, data = uri.split(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        return np.asarray(picture)


def test_pictures_are_whole_and_the_key_knows_their_sides(folders, read_picture):
    study = make(folders, reference=folders / "reference")
    pairs = Page(study.page).data["pairs"]
    assert [pair["id"] for pair in pairs] == list(study.key.pairs)
    for pair in pairs:
        key = study.key.pairs[pair["id"]]
        left, right = ("ours", "theirs") if key.left == "a" else ("theirs", "ours")
        for shown, folder in ((pair["left"], left), (pair["right"], right), (pair["reference"], "reference")):
            assert (decoded(shown) == read_picture(folders / folder / f"{key.name}.png")).all()
    assert sorted(key.left for key in study.key.pairs.values()) == ["a"] * 5 + ["b"] * 5
    assert {key.split for key in study.key.pairs.values()} == {"upper", "two"}


def test_the_page_needs_nothing_and_tells_nothing(folders):
    study = make(folders, a_name="secret-a", b_name="secret-b")
    page = Page(study.page)
    assert not [value for name, value in page.attributes if name in ("src", "href", "action", "srcset")]
    for word in ("http:", "https:", "//cdn", "secret", "ours", "theirs", "upper_", "two_", str(folders)):
        assert word not in study.page
    assert set(page.data) == {"study", "question", "pairs"}
    assert "default-src 'none'" in study.page


def test_text_cannot_break_out_of_the_page(folders):
    question = "</script><script>alert(1)</script>"
    page = Page(make(folders, question=question).page)
    assert page.data["question"] == question
    assert len(page.scripts) == 2


def test_seeds(folders):
    one, same, other = make(folders), make(folders), make(folders, seed=1)
    assert one == same
    assert one.key.study != other.key.study
    assert list(one.key.pairs.values()) != list(other.key.pairs.values())


def test_a_few_pairs_are_spread_over_the_splits(folders):
    splits = [key.split for key in make(folders, pairs=4).key.pairs.values()]
    assert sorted(splits) == ["two", "two", "upper", "upper"]


def test_what_cannot_be_compared_is_left_out_and_said(folders):
    (folders / "theirs" / "two_0000.png").unlink()
    (folders / "theirs" / "two_0001.png").write_bytes((folders / "ours" / "two_0001.png").read_bytes())
    Image.new("RGB", (9, 16)).save(folders / "theirs" / "two_0002.png")
    study = make(folders)
    assert len(study.key.pairs) == 8
    assert study.notes == (
        "left out, since the other folder has none of that name: 1",
        "left out, since both pictures are the same: 1",
        "A and B differ in size, which raters may notice",
    )


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ("ours", "nowhere", {}, "nowhere: a folder of PNGs is expected"),
        ("ours", "empty", {}, "no PNG of the same name"),
        ("ours", "ours", {}, "no pair differs"),
        ("ours", "theirs", {"reference": "empty"}, r"empty/.*\.png: no such file"),
    ],
)
def test_unusable_folders_are_refused(folders, a, b, options, message):
    (folders / "empty").mkdir()
    options = {name: folders / value for name, value in options.items()}
    with pytest.raises(InputError, match=message):
        Study.make(folders / a, folders / b, StudyOptions(**options))


def test_page_and_key_are_written(folders):
    study = make(folders)
    study.write(folders / "study.html", folders / "study.key.json")
    assert (folders / "study.html").read_text() == study.page
    assert StudyKey.model_validate_json((folders / "study.key.json").read_text()) == study.key
